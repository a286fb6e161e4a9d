"""One validator for every front door: what a page, an API or a test hands in is checked here.

The truth is the form's pydantic class. Where the class has gone, it is the schema that
was stored with the task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from humantasks import diffs, fields, plain
from humantasks.definitions import Outcome
from humantasks.fields import Field
from humantasks.inbox.errors import FieldError, InvalidAnswer
from humantasks.models import HumanTask, TaskDecision
from orchestrator.conf import conf
from orchestrator.core import codec
from orchestrator.core.errors import NotSerializable, PayloadTooLarge, UndecodableValue
from orchestrator.core.plain import plain as plain_values

MAX_COMMENT = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer: an instance of the form's class, or a dict if the class has gone."""

    outcome: Outcome
    data: BaseModel | dict[str, Any] | None
    comment: str
    reason_codes: list[str]
    # The data as it is stored, and compared when a form comes twice.
    text: str


def check(
    task: HumanTask,
    outcome: str,
    values: Mapping[str, Any] | None,
    comment: str,
    reason_codes: Sequence[str] | None = (),
) -> Answer:
    """The answer, or InvalidAnswer with all that is wrong with it.

    `reason_codes` are those of the outcome that apply; None asks for none.
    """
    chosen = task.outcomes.get(outcome)
    if chosen is None:
        raise InvalidAnswer([FieldError((), _("Choose how to decide"), "unknown_outcome")])
    errors = [*_reason_errors(chosen, reason_codes), *_comment_errors(chosen, comment)]
    data: BaseModel | dict[str, Any] | None = None
    if chosen.form is not None and task.form_schema is not None:
        try:
            data = _validated(task, values or {})
        except InvalidAnswer as invalid:
            errors = invalid.errors + errors
    if errors:
        raise InvalidAnswer(errors)
    # In the author's order, and each once.
    codes = [code for code in chosen.reason_codes if code in (reason_codes or ())]
    return Answer(chosen, data, comment, codes, _encoded(data))


def form_class(task: HumanTask) -> type[BaseModel] | None:
    """The class of the form; None if the task has none, or the class has gone."""
    if task.form_class is None:
        return None
    try:
        found = codec.find_class(task.form_class)
    except UndecodableValue:
        return None
    return found if issubclass(found, BaseModel) else None


def _reason_errors(outcome: Outcome, codes: Sequence[str] | None) -> list[FieldError]:
    if codes is None:
        return []
    if any(code not in outcome.reason_codes for code in codes):
        words = _("Choose reasons of “%(outcome)s”")
    elif outcome.reason_codes and not codes:
        words = _("Choose a reason: why “%(outcome)s”?")
    else:
        return []
    text = words % {"outcome": plain.shown(outcome.label)}
    return [FieldError(("reason_codes",), text, "enum" if codes else "missing")]


def _comment_errors(outcome: Outcome, comment: str) -> list[FieldError]:
    if outcome.comment == "required" and not comment.strip():
        words = _("Write a comment: why “%(outcome)s”?")
        return [
            FieldError(("comment",), words % {"outcome": plain.shown(outcome.label)}, "missing")
        ]
    wrong = text_error(comment, MAX_COMMENT)
    return [FieldError(("comment",), *wrong)] if wrong else []


def text_error(text: str, limit: int) -> tuple[str, str] | None:
    """Why a text of a person cannot be stored, in words and as a code; None when it can."""
    if len(text) > limit:
        return plain.too_long(limit), "too_long"
    if not _is_storable(text):
        return _("This has a character that cannot be stored"), "value_error"
    return None


def _is_storable(text: str) -> bool:
    """No NUL, which PostgreSQL refuses, and no half of a character pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _validated(task: HumanTask, values: Mapping[str, Any]) -> BaseModel | dict[str, Any]:
    model = form_class(task)
    if model is None:
        return _validated_by_schema(task, values)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        asked = {field.path: field for field in fields.of_schema(task.form_schema)}
        found = error.errors(include_url=False, include_input=False)
        raise InvalidAnswer([_error(one, asked) for one in found]) from error


def _validated_by_schema(task: HumanTask, values: Mapping[str, Any]) -> dict[str, Any]:
    from humantasks.forms import DecisionForm  # noqa: PLC0415 - the form uses this module

    return DecisionForm.of_values(task, values).checked_values()


def _error(error: Mapping[str, Any], asked: Mapping[fields.Path, Field]) -> FieldError:
    path = _field_path(tuple(error["loc"]), asked)
    field = asked.get(path)
    context = error.get("ctx", {})
    words = plain.message(error["type"], context, field.kind if field else "text")
    loc = ("data", *path) if field else ("data", *error["loc"])
    return FieldError(loc, words, error["type"], dict(context))


def _field_path(loc: tuple[str | int, ...], asked: Mapping[fields.Path, Field]) -> fields.Path:
    """The field that a place in the value belongs to: an item of a list to its list."""
    names = tuple(str(part) for part in loc)
    candidates = (names[:length] for length in range(len(names), 0, -1))
    return next((path for path in candidates if path in asked), ())


def _encoded(data: BaseModel | dict[str, Any] | None) -> str:
    try:
        return codec.encode(data, root="data", limit=conf.MAX_PAYLOAD)
    except PayloadTooLarge as error:
        words = _("The answer is too long to be stored")
        raise InvalidAnswer([FieldError((), words, "too_long")]) from error
    except NotSerializable as error:
        words = _("The answer has a character or a number that cannot be stored")
        raise InvalidAnswer([FieldError((), words, "not_serializable")]) from error


def edits(task: HumanTask, answer: Answer) -> dict[str, dict[str, Any]]:
    """What became of the texts that the form gave to edit, by field."""
    asked = [one for one in fields.of_schema(task.form_schema) if one.kind == "editor"]
    if not asked or answer.data is None:
        return {}
    data = answer.data
    values = data.model_dump(by_alias=True) if isinstance(data, BaseModel) else data
    before = task.initial
    return {
        one.name: diffs.edits(str(fields.dig(before, one.path) or ""), str(after or ""))
        for one in asked
        if (after := fields.dig(values, one.path)) is not None
    }


def of_decision(task: HumanTask, decision: TaskDecision) -> Answer:
    """An answer that was stored, as it was given; with a dict where the form's class has gone."""
    data: BaseModel | dict[str, Any] | None
    try:
        data = codec.decode(decision.data)
    except UndecodableValue:
        data = plain_values(decision.data)
    chosen = task.outcomes[decision.outcome]
    return Answer(chosen, data, decision.comment, list(decision.reason_codes), decision.data)
