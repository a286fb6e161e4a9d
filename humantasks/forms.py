"""A task's form as a Django form: how it is drawn, and how a browser's text becomes values.

Django only parses. Whether the values are right is `humantasks.answers`' to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from humantasks import answers, controls, fields, plain
from humantasks.fields import Field
from humantasks.inbox.errors import FieldError, InvalidAnswer
from humantasks.models import HumanTask
from humantasks.verdicts import VerdictsWidget

PREFIX = "data"
REASONS = "reason_codes"
CHECKED = "checked"
_TEXTS = ("text", "long_text", "editor")


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together under a legend; none for those of the form itself."""

    legend: str
    fields: list[forms.BoundField]


@dataclass(frozen=True, slots=True)
class Edited:
    """A text that is edited: what it was, and what it is by now."""

    field: forms.BoundField
    before: str
    now: str
    is_markdown: bool


class DecisionForm(forms.Form):
    """What a reviewer fills in: the checklist, the fields of the task's form, a comment, and
    for each outcome what it alone asks.

    Only what the chosen outcome asks is required and checked.
    """

    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    use_required_attribute = False

    def __init__(
        self,
        task: HumanTask,
        data: Mapping[str, Any] | None = None,
        *,
        draft: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(data, initial={}, label_suffix="")
        self.task = task
        self.asked = {_name(one): one for one in _asked(task)}
        self.own = _own(task)
        self._outcome = ""
        comment = self.fields.pop("comment")
        if task.checklist:
            self.fields[CHECKED] = controls.of_checklist(task.checklist)
        for name, one in self.asked.items():
            self.fields[name] = controls.of(one, task)
        for outcome in task.outcomes.values():
            if outcome.reason_codes:
                self.fields[_reasons(outcome.name)] = controls.of_reasons(outcome)
            for name, one in self.own.get(outcome.name, {}).items():
                self.fields[name] = controls.of(one, task)
        self.fields["comment"] = comment
        comment.help_text = _comment_hint(task)
        if draft is not None:
            self.initial = _initial_of(self, draft)

    @classmethod
    def of_values(
        cls, task: HumanTask, values: Mapping[str, Any], outcome: str = ""
    ) -> DecisionForm:
        """A form filled in with plain values: those that an outcome asks, or the task's form."""
        sent = QueryDict(mutable=True)
        empty = cls(task)
        for name, one in empty.asked_by(outcome).items():
            value = fields.dig(values, one.path)
            control = empty.fields[name].widget
            if isinstance(control, VerdictsWidget):
                given = value if isinstance(value, Mapping) else {}
                for each, row in zip(control.names(name), control.table.rows, strict=True):
                    if row.key in given:
                        sent[each] = str(given[row.key])
            elif isinstance(value, list) and one.kind == "choices":
                sent.setlist(name, [str(item) for item in value])
            elif value is not None and value is not False:
                sent[name] = _as_text(value, one)
        return cls(task, sent)

    # ---- reading it ------------------------------------------------------------------

    def asked_by(self, outcome: str) -> dict[str, Field]:
        """The fields that an outcome asks; without one, those of the task's form."""
        chosen = self.task.outcomes.get(outcome)
        if chosen is None or chosen.form == "task":
            return self.asked
        return self.own.get(outcome, {})

    @property
    def checklist(self) -> forms.BoundField | None:
        return self[CHECKED] if CHECKED in self.fields else None

    @property
    def checked(self) -> list[str]:
        """What is ticked of the checklist."""
        found: list[str] = self.cleaned_data.get(CHECKED) or []
        return found

    @property
    def groups(self) -> list[Group]:
        """The fields of the task's form as they are shown."""
        return self._grouped(self.asked)

    def groups_of(self, outcome: str) -> list[Group]:
        """The fields that this outcome alone asks."""
        return self._grouped(self.own.get(outcome, {}))

    def _grouped(self, asked: Mapping[str, Field]) -> list[Group]:
        found: list[Group] = []
        for name, one in asked.items():
            if not found or found[-1].legend != one.group:
                found.append(Group(one.group, []))
            found[-1].fields.append(self[name])
        return [Group(plain.shown(group.legend), group.fields) for group in found]

    @property
    def typed(self) -> dict[str, list[str]]:
        """What the browser sent, as a draft keeps it: without NUL, which cannot be stored."""
        sent = self.data
        assert isinstance(sent, QueryDict)
        names = [each for name, one in self.fields.items() for each in _sent_as(name, one)]
        return {
            name: [text.replace("\x00", "") for text in sent.getlist(name)]
            for name in names
            if name in sent
        }

    def filled(self, name: str, verdict: str) -> dict[str, list[str]]:
        """What the browser sent, with this verdict on each row of a field that has none."""
        typed = self.typed
        field = self.fields.get(name)
        if field is None or not isinstance(field.widget, VerdictsWidget):
            return typed
        if verdict not in dict(field.widget.choices):
            return typed
        left = (each for each in field.widget.names(name) if not any(typed.get(each, ())))
        return typed | {each: [verdict] for each in left}

    def reasons_of(self, outcome: str) -> forms.BoundField | None:
        """The reasons to tick for an outcome; None when it has none."""
        return self[_reasons(outcome)] if _reasons(outcome) in self.fields else None

    def reason_codes(self, outcome: str) -> list[str]:
        """Which of them are ticked."""
        found: list[str] = self.cleaned_data.get(_reasons(outcome)) or []
        return found

    def edited(self) -> list[Edited]:
        """The fields that are edited texts: each with what it was, and what it is by now."""
        return [
            Edited(
                self[name],
                str(one.default or ""),
                _text_now(self[name]),
                is_markdown=one.is_markdown,
            )
            for name, one in self.asked.items()
            if one.kind == "editor"
        ]

    @property
    def comment_text(self) -> str:
        return str(self.cleaned_data.get("comment") or "")

    def describe(self, typed: Mapping[str, list[str]]) -> list[tuple[str, str]]:
        """What somebody typed, in the words of the form: for reading and copying."""
        found = []
        for name, field in self.fields.items():
            if isinstance(field.widget, VerdictsWidget):
                found += _described(field, field.widget, field.widget.names(name), typed)
                continue
            words = dict(getattr(field, "choices", ()))
            texts = [str(words.get(text, text)) for text in typed.get(name, ()) if text]
            if isinstance(field, forms.BooleanField) and texts:
                texts = [_("Yes")]
            if texts:
                found.append((str(field.label), ", ".join(texts)))
        return found

    def values(self, outcome: str = "") -> dict[str, Any]:
        """What could be parsed of what an outcome asks, nested as the model has it.

        Empty ones are left out. Without an outcome, of the task's form.
        """
        found: dict[str, Any] = {}
        asked = self.asked_by(outcome)
        parsed = list(self._parsed(asked))
        for one, value in parsed:
            _put(found, one.path, value)
        for part in {one.part_of for one in asked.values() if one.part_of}:
            if not any(_is_filled(value) for one, value in parsed if one.part_of == part):
                _leave_out(found, part)
        return found

    def checked_values(self, outcome: str) -> dict[str, Any]:
        """The values when nothing but this form can check them. Raises InvalidAnswer."""
        asked = self.asked_by(outcome)
        wrong = [
            FieldError((PREFIX, *asked[name].path), str(one), "invalid")
            for name, found in self.errors.items()
            if name in asked
            for one in found
        ]
        if wrong:
            raise InvalidAnswer(wrong)
        return self.values(outcome)

    # ---- checking it -----------------------------------------------------------------

    def parse(self, outcome: str) -> None:
        """Read what this outcome asks. What could not be read is among the errors then."""
        self._outcome = outcome
        self.full_clean()
        if outcome in self.task.outcomes:
            asked = self.asked_by(outcome)
            for name in {*self.asked, *(each for own in self.own.values() for each in own)}:
                if name not in asked:
                    self.errors.pop(name, None)

    def check(self, outcome: str) -> bool:
        """Parse and validate for this outcome. All errors are in the form afterwards."""
        self.parse(outcome)
        try:
            answers.check(
                self.task,
                outcome,
                self.values(outcome),
                self.comment_text,
                self.reason_codes(outcome),
                checked=self.checked,
            )
        except InvalidAnswer as invalid:
            self.take(invalid)
        return not self.errors

    def take(self, invalid: InvalidAnswer) -> None:
        """Show errors beside their fields, or above the form. One for each field."""
        asked = self.asked_by(self._outcome)
        by_loc: dict[tuple[str | int, ...], str] = {
            (PREFIX, *one.path): name for name, one in asked.items()
        }
        for error in invalid.errors:
            name = by_loc.get(error.loc) or ".".join(map(str, error.loc))
            if name == REASONS:
                name = _reasons(self._outcome)
            if name not in self.fields:
                self.add_error(None, error.message)
            elif name not in self.errors:
                self.add_error(name, error.message)

    def _parsed(self, asked: Mapping[str, Field]) -> Iterator[tuple[Field, Any]]:
        for name, one in asked.items():
            if name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if value in (None, ""):
                if one.required or not (one.nullable or one.kind in _TEXTS):
                    continue
                value = None if one.nullable else ""
            yield one, value


def _name(field: Field) -> str:
    return f"{PREFIX}.{field.name}"


def _reasons(outcome: str) -> str:
    return f"{REASONS}.{outcome}"


def _own(task: HumanTask) -> dict[str, dict[str, Field]]:
    """By outcome, the fields that it alone asks."""
    return {
        outcome.name: {
            f"own.{outcome.name}.{one.name}": one
            for one in fields.of_schema(task.form_of(outcome)[0])
        }
        for outcome in task.outcomes.values()
        if outcome.form not in (None, "task")
    }


def _asked(task: HumanTask) -> Iterator[Field]:
    """The fields of the task's form, with what stands in them at first."""
    initial = task.initial
    for one in fields.of_schema(task.form_schema):
        value = fields.dig(initial, one.path)
        yield one if value is None else replace(one, default=value)


def _text_now(field: forms.BoundField) -> str:
    text = field.value()
    return text.replace("\r\n", "\n") if isinstance(text, str) else ""


def _comment_hint(task: HumanTask) -> str:
    needing = [one for one in task.outcomes.values() if one.comment == "required"]
    if not needing:
        return ""
    labels = ", ".join(plain.shown(one.label) for one in needing)
    return _("Required for: %(outcomes)s") % {"outcomes": labels}


def _sent_as(name: str, field: forms.Field) -> list[str]:
    """What a browser calls what belongs to one field."""
    widget = field.widget
    return widget.names(name) if isinstance(widget, VerdictsWidget) else [name]


def _described(
    field: forms.Field, widget: VerdictsWidget, names: list[str], typed: Mapping[str, list[str]]
) -> list[tuple[str, str]]:
    words = dict(widget.choices)
    lines = [
        f"{row.key}: {words.get(text, text)}"
        for row, each in zip(widget.table.rows, names, strict=True)
        for text in typed.get(each, ())
    ]
    return [(str(field.label), "\n".join(lines))] if lines else []


# ---- drafts and plain values ---------------------------------------------------------


def _initial_of(form: DecisionForm, draft: Mapping[str, list[str]]) -> dict[str, Any]:
    """What the widgets show for a draft: the texts as they were typed, right or wrong."""
    typed = QueryDict(mutable=True)
    for name, texts in draft.items():
        typed.setlist(name, texts)
    return {
        name: field.widget.value_from_datadict(typed, {}, name)
        for name, field in form.fields.items()
    }


def _put(nested: dict[str, Any], path: fields.Path, value: Any) -> None:
    *parents, last = path
    for key in parents:
        nested = nested.setdefault(key, {})
    nested[last] = value


def _leave_out(nested: dict[str, Any], part: fields.Part) -> None:
    *parents, last = part.path
    for key in parents:
        nested = nested.setdefault(key, {})
    nested.pop(last, None)
    if not part.has_default:
        nested[last] = None


def _is_filled(value: Any) -> bool:
    return value not in (None, "", False, [])


def _as_text(value: Any, field: Field) -> str:
    if field.kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value) if field.kind == "json" else str(value)
