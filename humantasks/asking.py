"""`human_task`: how a workflow's body asks people, and what it gets back.

The wait is the engine's; what the body hands over as `detail` is all that the inbox gets
to know. Importing this needs no configured Django.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar, overload
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from humantasks import definitions, questions
from humantasks.definitions import HumanTaskType, Outcome
from humantasks.routing import AssignTo
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import EventTimeout, OrchestratorError

KIND = "human_task"

# As the database orders them: the most pressing last.
PRIORITIES = {"low": 10, "normal": 30, "high": 50, "urgent": 90}
Priority = Literal["low", "normal", "high", "urgent"]

T = TypeVar("T")
F = TypeVar("F", bound=BaseModel)
F_co = TypeVar("F_co", bound=BaseModel, covariant=True)


class HumanTaskTimeout(EventTimeout):
    """Nobody answered the task in time, and it was asked with `on_timeout="raise"`."""


class HumanTaskFailed(OrchestratorError):
    """A person said that the task cannot be done, and why."""


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    """One of several people who decided a task together."""

    user: str
    role: Literal["maker", "checker", "voter"]
    outcome: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class HumanTaskResult(Generic[T]):
    """What became of a human task.

    `data` is the filled-in form; None when the task ended without an answer, or with an
    outcome that needs no form. `approved` is true only when a person chose a positive
    outcome. `completed_by` is that person's user name, `on_behalf_of` that of who had
    delegated it. `override` is true when somebody decided past the rules. The body never
    sees the status "failed": that raises HumanTaskFailed.
    """

    status: Literal["completed", "expired", "skipped", "failed"]
    outcome: str | None = None
    approved: bool = False
    data: T | None = None
    comment: str = ""
    reason_codes: list[str] = field(default_factory=list)
    # The items of the type's checklist that were ticked.
    checked: list[str] = field(default_factory=list)
    completed_by: str | None = None
    on_behalf_of: str | None = None
    override: bool = False
    # Who decided it, in their order, when more than one person did; and how often it was judged.
    reviewers: list[Reviewer] = field(default_factory=list)
    round: int = 1
    # How long people had it: in hours of work, if its type has a calendar; without the time
    # in which it waited for information. None when it has expired.
    working_seconds: float | None = None
    # Of each edited text, by its field: `base_digest`, `unchanged`, `change_ratio`, `unified`.
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The files that were attached: `id`, `name`, `type`, `size`, `sha256`.
    attachments: list[dict[str, Any]] = field(default_factory=list)
    # None, as the instants are, when the task has expired.
    task_id: UUID | None = None
    created_at: datetime | None = None
    claimed_at: datetime | None = None
    completed_at: datetime | None = None


class HasForm(Protocol[F_co]):
    """A `HumanTaskType` that has a form. For the type checker."""

    @property
    def form(self) -> type[F_co]: ...


OnTimeout = Literal["expire", "raise"] | Outcome


@overload
async def human_task(
    ctx: Context[Any],
    name: str,
    *,
    type: str | type[HumanTaskType] | None = None,
    assign_to: AssignTo | None = None,
    data: Any = None,
    initial: Any = None,
    form: type[F],
    outcomes: Sequence[Outcome] | None = None,
    ui: str | None = None,
    title: str | None = None,
    priority: Priority = "normal",
    due: Duration | None = None,
    timeout: Duration | None = None,
    on_timeout: OnTimeout = "expire",
) -> HumanTaskResult[F]: ...


@overload
async def human_task(
    ctx: Context[Any],
    name: str,
    *,
    type: HasForm[F],
    assign_to: AssignTo | None = None,
    data: Any = None,
    initial: Any = None,
    form: None = None,
    outcomes: Sequence[Outcome] | None = None,
    ui: str | None = None,
    title: str | None = None,
    priority: Priority = "normal",
    due: Duration | None = None,
    timeout: Duration | None = None,
    on_timeout: OnTimeout = "expire",
) -> HumanTaskResult[F]: ...


@overload
async def human_task(
    ctx: Context[Any],
    name: str,
    *,
    type: str | type[HumanTaskType] | None = None,
    assign_to: AssignTo | None = None,
    data: Any = None,
    initial: Any = None,
    form: None = None,
    outcomes: Sequence[Outcome] | None = None,
    ui: str | None = None,
    title: str | None = None,
    priority: Priority = "normal",
    due: Duration | None = None,
    timeout: Duration | None = None,
    on_timeout: OnTimeout = "expire",
) -> HumanTaskResult[Any]: ...


async def human_task(
    ctx: Context[Any],
    name: str,
    *,
    type: Any = None,
    assign_to: AssignTo | None = None,
    data: Any = None,
    initial: Any = None,
    form: type[BaseModel] | None = None,
    outcomes: Sequence[Outcome] | None = None,
    ui: str | None = None,
    title: str | None = None,
    priority: Priority = "normal",
    due: Duration | None = None,
    timeout: Duration | None = None,
    on_timeout: OnTimeout = "expire",
) -> HumanTaskResult[Any]:
    """Ask people, and wait for their answer. Holds nothing but a few rows.

    `assign_to` is a team (a group's name), a person (a user name), or several of them;
    `group:` and `user:` in front say which is meant. `data` is the evidence that they
    judge, `form` what they fill in, `outcomes` the buttons under it (approve and reject,
    if nothing is said). `initial` is what stands in the form at first: an instance of it,
    or a mapping with some of its fields. A registered `type` has its own of most of this;
    what is given here wins.

    `due` is when the task turns red. `timeout` is when it expires: the result then has
    the status "expired" and is not approved, with the name of an outcome if `on_timeout`
    is one; `on_timeout="raise"` raises HumanTaskTimeout. A timeout never means consent.

    Raises HumanTaskFailed when a person says that the task cannot be done, InvalidInput
    when `data` does not fit the type, and ValueError or TypeError for what cannot be asked.
    """
    type_name, definition = definitions.find_type(type or name)
    form = form or definition.form
    _check_on_timeout(on_timeout)

    def detail() -> dict[str, Any]:
        if priority not in PRIORITIES:
            raise ValueError(f"priority is one of {', '.join(PRIORITIES)}, not {priority!r}")
        return {
            "initiator": ctx.initiator,
            "workflow": ctx.workflow,
            "priority": PRIORITIES[priority],
            "due_seconds": None if due is None else parse_duration(due).total_seconds(),
            **questions.of_type(type_name, definition, ui),
            **questions.addressed(definition, assign_to),
            **questions.content(definition, type_name, data, title),
            "initial": questions.initial(form, initial),
            "schema": questions.stored_schema(definition, form, outcomes),
        }

    try:
        answer = await ctx.wait(name, kind=KIND, detail=detail, timeout=timeout)
    except EventTimeout as expired:
        return _expired(name, on_timeout, expired)
    if answer.status == "failed":
        raise HumanTaskFailed(f"{name!r} cannot be done: {answer.comment}")
    return _with_form(answer, _form_of(answer.outcome, outcomes or definition.outcomes, form))


def _check_on_timeout(on_timeout: OnTimeout) -> None:
    if isinstance(on_timeout, Outcome):
        if on_timeout.positive:
            raise ValueError(
                f"on_timeout={on_timeout.name!r} is positive: a timeout never means consent"
            )
    elif on_timeout not in ("expire", "raise"):
        raise ValueError(f'on_timeout is "expire", "raise" or an Outcome, not {on_timeout!r}')


def _expired(name: str, on_timeout: OnTimeout, expired: EventTimeout) -> HumanTaskResult[Any]:
    if on_timeout == "raise":
        raise HumanTaskTimeout(f"nobody answered {name!r} in time") from expired
    outcome = on_timeout.name if isinstance(on_timeout, Outcome) else None
    return HumanTaskResult(status="expired", outcome=outcome)


def _form_of(
    outcome: str | None, outcomes: Sequence[Outcome], form: type[BaseModel] | None
) -> type[BaseModel] | None:
    """The model that an answer with this outcome fills in."""
    own = next((one.form for one in outcomes if one.name == outcome), None)
    return own if isinstance(own, type) else form


def _with_form(answer: HumanTaskResult[Any], form: type[BaseModel] | None) -> HumanTaskResult[Any]:
    """The answer with its data as an instance of `form`.

    It is a plain dict when the process that took the answer did not have the class.
    """
    if form is None or not isinstance(answer.data, dict):
        return answer
    return replace(answer, data=TypeAdapter(form).validate_python(answer.data))
