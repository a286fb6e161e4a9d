"""Why the inbox refuses. Each error carries what a page or an API needs to explain it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import OrchestratorError

if TYPE_CHECKING:
    from humantasks.models import HumanTask


class Code(StrEnum):
    """The word for a refusal, as the API gives it."""

    ALREADY_CLAIMED = "already_claimed"
    NOT_ASSIGNEE = "not_assignee"
    STALE = "stale"
    ALREADY_COMPLETED = "already_completed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DRAFT_CONFLICT = "draft_conflict"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    WRONG_STATE = "wrong_state"
    NOT_ELIGIBLE = "not_eligible"
    REQUESTER = "sod"
    CLAIM_LIMIT = "claim_limit"
    NOT_LEAD = "not_lead"
    NOT_ALLOWED = "not_allowed"


class InboxError(OrchestratorError):
    """Base of what the inbox raises. Nothing was changed."""


class TaskConflict(InboxError):
    """Somebody or something was faster. `by`, `at` and `reason` say who, when and why.

    `by` is None when it was the engine; `is_me` when it was the same person, in another
    window. `task` is the task as it is now.
    """

    def __init__(
        self,
        code: Code,
        task: HumanTask,
        *,
        by: str | None = None,
        at: datetime | None = None,
        reason: str = "",
        is_me: bool = False,
    ) -> None:
        super().__init__(f"task #{task.ref}: {code}" + (f" by {by}" if by else ""))
        self.code = code
        self.task = task
        self.by = by
        self.at = at
        self.reason = reason
        self.is_me = is_me


class NotEligible(InboxError):
    """This person may not do this with this task, however free it is.

    `why` says more about the code `sod`: requester, decider, named or conflict. `limit` is
    that of `claim_limit`, for which `task` may be None.
    """

    def __init__(
        self, code: Code, task: HumanTask | None, *, why: str = "", limit: int | None = None
    ) -> None:
        super().__init__(f"task #{task.ref}: {code}" if task else str(code))
        self.code = code
        self.task = task
        self.why = why
        self.limit = limit


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. `loc` is empty when it is about the whole answer."""

    loc: tuple[str | int, ...]
    message: str
    type: str
    context: dict[str, Any] = field(default_factory=dict)


class InvalidAnswer(InboxError):
    """The answer does not fit the form or the outcome; nothing was stored."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(one.message for one in errors))
        self.errors = errors
