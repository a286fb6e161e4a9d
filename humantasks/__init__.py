"""Human tasks: questions that workflows ask people, and the inbox where people answer them.

Importing this needs no configured Django.
"""

from humantasks.asking import (
    HumanTaskFailed,
    HumanTaskResult,
    HumanTaskTimeout,
    Reviewer,
    human_task,
)
from humantasks.definitions import REQUIRED, Check, HumanTaskType, Outcome, human_task_type
from humantasks.reviews import FourEyes, Proposal, Quorum
from humantasks.routing import DECIDERS, REQUESTER, Direct, Pool
from humantasks.sla import Sla

__all__ = [
    "DECIDERS",
    "REQUESTER",
    "REQUIRED",
    "Check",
    "Direct",
    "FourEyes",
    "HumanTaskFailed",
    "HumanTaskResult",
    "HumanTaskTimeout",
    "HumanTaskType",
    "Outcome",
    "Pool",
    "Proposal",
    "Quorum",
    "Reviewer",
    "Sla",
    "human_task",
    "human_task_type",
]
