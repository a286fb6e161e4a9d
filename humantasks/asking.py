"""`human_task`: how a workflow's body asks people, and what it gets back.

The wait is the engine's; what the body hands over as `detail` is all that the inbox gets
to know. Importing this needs no configured Django.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar, overload
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from humantasks import definitions, schema
from humantasks.definitions import HumanTaskType, Outcome
from humantasks.words import humanise
from orchestrator.core import codec
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import EventTimeout, InvalidInput

KIND = "human_task"
MAX_TITLE = 200

# As the database orders them: the most pressing last.
PRIORITIES = {"low": 10, "normal": 30, "high": 50, "urgent": 90}
Priority = Literal["low", "normal", "high", "urgent"]

T = TypeVar("T")
F = TypeVar("F", bound=BaseModel)
F_co = TypeVar("F_co", bound=BaseModel, covariant=True)

logger = logging.getLogger("humantasks")


class HumanTaskTimeout(EventTimeout):
    """Nobody answered the task in time, and it was asked with `on_timeout="raise"`."""


@dataclass(frozen=True, kw_only=True)
class HumanTaskResult(Generic[T]):
    """What became of a human task.

    `data` is the filled-in form; None when the task ended without an answer, or with an
    outcome that needs no form. `approved` is true only when a person chose a positive
    outcome. `completed_by` is that person's user name.
    """

    status: Literal["completed", "expired", "skipped"]
    outcome: str | None = None
    approved: bool = False
    data: T | None = None
    comment: str = ""
    completed_by: str | None = None
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
AssignTo = str | Sequence[str]


@overload
async def human_task(
    ctx: Context[Any],
    name: str,
    *,
    type: str | type[HumanTaskType] | None = None,
    assign_to: AssignTo,
    data: Any = None,
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
    assign_to: AssignTo,
    data: Any = None,
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
    assign_to: AssignTo,
    data: Any = None,
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
    assign_to: AssignTo,
    data: Any = None,
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
    if nothing is said). A registered `type` has its own; what is given here wins.

    `due` is when the task turns red. `timeout` is when it expires: the result then has
    the status "expired" and is not approved, with the name of an outcome if `on_timeout`
    is one; `on_timeout="raise"` raises HumanTaskTimeout. A timeout never means consent.

    Raises InvalidInput when `data` does not fit the type, and ValueError or TypeError for
    what cannot be asked.
    """
    type_name, definition = definitions.find_type(type or name)
    form = form or definition.form
    _check_on_timeout(on_timeout)

    def detail() -> dict[str, Any]:
        definitions.check_ui(page := ui or definition.ui)
        if priority not in PRIORITIES:
            raise ValueError(f"priority is one of {', '.join(PRIORITIES)}, not {priority!r}")
        return {
            "type": type_name,
            "type_version": definition.version,
            "assign_to": _names(assign_to),
            "initiator": ctx.initiator,
            "workflow": ctx.workflow,
            "requester_may_answer": definition.requester_may_answer,
            "priority": PRIORITIES[priority],
            "due_seconds": None if due is None else parse_duration(due).total_seconds(),
            "ui": page,
            **_content(definition, type_name, data, title),
            "schema": _stored_schema(form, outcomes or definition.outcomes),
        }

    try:
        answer = await ctx.wait(name, kind=KIND, detail=detail, timeout=timeout)
    except EventTimeout as expired:
        return _expired(name, on_timeout, expired)
    return _with_form(answer, form)


def _names(assign_to: AssignTo) -> list[str]:
    names: list[object] = [assign_to] if isinstance(assign_to, str) else list(assign_to)
    if not names or not all(isinstance(one, str) and one for one in names):
        raise ValueError(f"assign_to is the name of a team or a person, or several: {assign_to!r}")
    return [str(one) for one in names]


def _content(
    definition: type[HumanTaskType], type_name: str, data: Any, title: str | None
) -> dict[str, str]:
    """The title and the data as they are stored."""
    from orchestrator.conf import conf  # noqa: PLC0415 - needs a configured Django

    if definition.input is not None:
        data = _validated(definition.input, data, type_name)
    title = title or _title(definition.title, data) or humanise(type_name)
    return {
        "title": " ".join(title.split())[:MAX_TITLE],
        "data": codec.encode(data, root="data", limit=conf.MAX_PAYLOAD),
    }


def _validated(model: type[BaseModel], data: Any, type_name: str) -> BaseModel:
    try:
        return model.model_validate(data, from_attributes=True)
    except ValidationError as error:
        errors: list[dict[str, Any]] = [
            {"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]}
            for one in error.errors()
        ]
        lines = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors)
        raise InvalidInput(f"data of a {type_name} task: {lines}", errors) from error


def _title(template: str, data: Any) -> str:
    """The template with the data's fields in it; empty when they do not fit together.

    A title is no reason to stop a run.
    """
    fields = data if isinstance(data, Mapping) else getattr(data, "__dict__", {})
    try:
        return template.format_map(fields)
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        logger.warning("the title %r does not fit its data: %r", template, error)
        return ""


def _stored_schema(form: type[BaseModel] | None, outcomes: Sequence[Outcome]) -> str:
    from django.utils import translation  # noqa: PLC0415 - needs a configured Django

    definitions.check_outcomes(outcomes)
    definitions.check_model(form)
    asked = {
        "form": None if form is None else schema.of_form(form),
        "form_class": None if form is None else definitions.class_path(form),
        "outcomes": [definitions.outcome_as_stored(one) for one in outcomes],
    }
    # Lazy texts are stored as they are written, and translated where they are shown.
    with translation.override(None):
        return json.dumps(asked, ensure_ascii=False, default=str)


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


def _with_form(answer: HumanTaskResult[Any], form: type[BaseModel] | None) -> HumanTaskResult[Any]:
    """The answer with its data as an instance of `form`.

    It is a plain dict when the process that took the answer did not have the class.
    """
    if form is None or not isinstance(answer.data, dict):
        return answer
    return replace(answer, data=TypeAdapter(form).validate_python(answer.data))
