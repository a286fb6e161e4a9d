"""The verbs of the inbox: the only writer of human tasks.

Each verb is one transaction. A row is locked or changed by a conditional UPDATE, always
the run's before the task's.
"""

from humantasks.inbox.claiming import claim, release
from humantasks.inbox.deciding import complete, lost
from humantasks.inbox.drafting import keep_answers, save_draft
from humantasks.inbox.errors import (
    Code,
    FieldError,
    InboxError,
    InvalidAnswer,
    NotEligible,
    TaskConflict,
)
from humantasks.inbox.opening import close_tasks, open_task

__all__ = [
    "Code",
    "FieldError",
    "InboxError",
    "InvalidAnswer",
    "NotEligible",
    "TaskConflict",
    "claim",
    "close_tasks",
    "complete",
    "keep_answers",
    "lost",
    "open_task",
    "release",
    "save_draft",
]
