"""Human tasks: questions that workflows ask people, and the inbox where people answer them.

Importing this needs no configured Django.
"""

from humantasks.asking import HumanTaskFailed, HumanTaskResult, HumanTaskTimeout, human_task
from humantasks.definitions import REQUIRED, Check, HumanTaskType, Outcome, human_task_type
from humantasks.routing import DECIDERS, REQUESTER, Direct, Pool

__all__ = [
    "DECIDERS",
    "REQUESTER",
    "REQUIRED",
    "Check",
    "Direct",
    "HumanTaskFailed",
    "HumanTaskResult",
    "HumanTaskTimeout",
    "HumanTaskType",
    "Outcome",
    "Pool",
    "human_task",
    "human_task_type",
]
