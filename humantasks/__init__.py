"""Human tasks: questions that workflows ask people, and the inbox where people answer them.

Importing this needs no configured Django.
"""

from humantasks.asking import HumanTaskResult, HumanTaskTimeout, human_task
from humantasks.definitions import HumanTaskType, Outcome, human_task_type

__all__ = [
    "HumanTaskResult",
    "HumanTaskTimeout",
    "HumanTaskType",
    "Outcome",
    "human_task",
    "human_task_type",
]
