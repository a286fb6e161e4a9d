"""The verbs of the inbox: the only writer of human tasks.

Each verb is one transaction. A row is locked or changed by a conditional UPDATE, always
the run's before the task's.
"""

from humantasks.inbox.attaching import attach
from humantasks.inbox.audit import through
from humantasks.inbox.checking import approve, return_proposal
from humantasks.inbox.claiming import claim, release
from humantasks.inbox.commenting import comment
from humantasks.inbox.deciding import complete, lost
from humantasks.inbox.drafting import keep_answers, save_draft
from humantasks.inbox.ending import fail, override, skip
from humantasks.inbox.errors import (
    Code,
    FieldError,
    InboxError,
    InvalidAnswer,
    NotEligible,
    TaskConflict,
)
from humantasks.inbox.forgetting import forget
from humantasks.inbox.handing import assign, declare_conflict, delegate, move
from humantasks.inbox.managing import escalate, set_due, set_priority
from humantasks.inbox.opening import close_tasks, open_task
from humantasks.inbox.pausing import (
    answer_info,
    request_info,
    snooze,
    unsnooze,
    withdraw_question,
)
from humantasks.inbox.presence import look, stay
from humantasks.inbox.serving import claim_next, let_pass
from humantasks.inbox.teams import make_lead
from humantasks.inbox.tending import tend

__all__ = [
    "Code",
    "FieldError",
    "InboxError",
    "InvalidAnswer",
    "NotEligible",
    "TaskConflict",
    "answer_info",
    "approve",
    "assign",
    "attach",
    "claim",
    "claim_next",
    "close_tasks",
    "comment",
    "complete",
    "declare_conflict",
    "delegate",
    "escalate",
    "fail",
    "forget",
    "keep_answers",
    "let_pass",
    "look",
    "lost",
    "make_lead",
    "move",
    "open_task",
    "override",
    "release",
    "request_info",
    "return_proposal",
    "save_draft",
    "set_due",
    "set_priority",
    "skip",
    "snooze",
    "stay",
    "tend",
    "through",
    "unsnooze",
    "withdraw_question",
]
