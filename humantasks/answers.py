"""One validator for every front door: what a page, an API or a test hands in is checked here.

The truth is the form's pydantic class. Where the class has gone, it is the schema that
was stored with the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import BaseModel, ValidationError

from humantasks import diffs, fields, plain, rows
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
    # The items of the checklist that are ticked.
    checked: list[str]
    # The data as it is stored, and compared when a form comes twice.
    text: str


def check(
    task: HumanTask,
    outcome: str,
    values: Mapping[str, Any] | None,
    comment: str,
    reason_codes: Sequence[str] | None = (),
    *,
    checked: Sequence[str] | None = (),
) -> Answer:
    """The answer, or InvalidAnswer with all that is wrong with it.

    `reason_codes` are those of the outcome that apply, `checked` what is ticked of the
    checklist; None asks for none.
    """
    chosen = task.outcomes.get(outcome)
    if chosen is None:
        raise InvalidAnswer([FieldError((), _("Choose how to decide"), "unknown_outcome")])
    errors = [
        *_check_errors(task, chosen, checked),
        *_reason_errors(chosen, reason_codes),
        *_comment_errors(chosen, comment),
    ]
    data: BaseModel | dict[str, Any] | None = None
    try:
        data = _validated(task, chosen, values or {})
    except InvalidAnswer as invalid:
        errors = invalid.errors + errors
    if errors:
        raise InvalidAnswer(errors)
    # In the author's order, and each once.
    codes = [code for code in chosen.reason_codes if code in (reason_codes or ())]
    ticked = [one.name for one in task.checklist if one.name in (checked or ())]
    return Answer(chosen, data, comment, codes, ticked, _encoded(data))


def form_class(path: str | None) -> type[BaseModel] | None:
    """The class of a form; None if there is no form, or its class has gone."""
    if path is None:
        return None
    try:
        found = codec.find_class(path)
    except UndecodableValue:
        return None
    return found if issubclass(found, BaseModel) else None


def _check_errors(
    task: HumanTask, outcome: Outcome, checked: Sequence[str] | None
) -> list[FieldError]:
    if checked is None:
        return []
    known = {one.name for one in task.checklist}
    if any(name not in known for name in checked):
        return [FieldError(("checked",), _("Tick what is on the checklist"), "enum")]
    left = [
        plain.shown(one.label)
        for one in task.checklist
        if outcome.name in (one.required_for or ()) and one.name not in checked
    ]
    if not left:
        return []
    words = _("Before “%(outcome)s”: %(left)s") % {
        "outcome": plain.shown(outcome.label),
        "left": ", ".join(left),
    }
    return [FieldError(("checked",), words, "missing")]


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


def _validated(
    task: HumanTask, outcome: Outcome, values: Mapping[str, Any]
) -> BaseModel | dict[str, Any] | None:
    schema, path = task.form_of(outcome)
    if schema is None:
        return None
    asked = {field.path: field for field in fields.of_schema(schema)}
    errors = _row_errors(task, asked.values(), values)
    data: BaseModel | dict[str, Any] | None = None
    try:
        data = _read(task, outcome, values, asked, form_class(path))
    except InvalidAnswer as invalid:
        errors = invalid.errors + errors
    if errors:
        raise InvalidAnswer(errors)
    return data


def _read(
    task: HumanTask,
    outcome: Outcome,
    values: Mapping[str, Any],
    asked: Mapping[fields.Path, Field],
    model: type[BaseModel] | None,
) -> BaseModel | dict[str, Any]:
    """The values as the model has them; as the stored schema has them when it has gone."""
    if model is None:
        from humantasks.forms import DecisionForm  # noqa: PLC0415 - the form uses this module

        return DecisionForm.of_values(task, values, outcome.name).checked_values(outcome.name)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise InvalidAnswer([_error(one, asked) for one in found]) from error


def _row_errors(
    task: HumanTask, asked: Iterable[Field], values: Mapping[str, Any]
) -> list[FieldError]:
    """Each row of a table has its verdict, and nothing else has one."""
    found = []
    for field in asked:
        if field.kind != "rows":
            continue
        given = fields.dig(values, field.path) or {}
        keys = rows.keys_of(task, field)
        left = [key for key in keys if key not in given] if field.required else []
        if isinstance(given, Mapping) and not set(given) <= set(keys):
            words, code = _("Decide about rows that are in the table"), "enum"
        elif left:
            words = ngettext(
                "%(number)s row is left: %(first)s",
                "%(number)s rows are left, the first is %(first)s",
                len(left),
            ) % {"number": len(left), "first": left[0]}
            code = "missing"
        else:
            continue
        found.append(FieldError(("data", *field.path), words, code))
    return found


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
    schema, _path = task.form_of(answer.outcome)
    asked = [one for one in fields.of_schema(schema) if one.kind == "editor"]
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
    codes, checked = list(decision.reason_codes), list(decision.checked)
    return Answer(chosen, data, decision.comment, codes, checked, decision.data)


def without_data(outcome: Outcome, comment: str) -> Answer:
    """What somebody says who fills in nothing."""
    return Answer(outcome, None, comment, [], [], "null")
