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

PREFIX = "data"
REASONS = "reason_codes"
_TEXTS = ("text", "long_text", "editor")


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together under a legend; none for those of the form itself."""

    legend: str
    fields: list[forms.BoundField]


class DecisionForm(forms.Form):
    """What a reviewer fills in: the fields of the task's form, and a comment.

    With an outcome that needs no form, the fields are neither required nor checked.
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
        self._outcome = ""
        comment = self.fields.pop("comment")
        for name, one in self.asked.items():
            self.fields[name] = controls.of(one)
        for outcome in task.outcomes.values():
            if outcome.reason_codes:
                self.fields[_reasons(outcome.name)] = controls.of_reasons(outcome)
        self.fields["comment"] = comment
        comment.help_text = _comment_hint(task)
        if draft is not None:
            self.initial = _initial_of(self, draft)

    @classmethod
    def of_values(cls, task: HumanTask, values: Mapping[str, Any]) -> DecisionForm:
        """A form filled in with plain values, for a task whose form class has gone."""
        sent = QueryDict(mutable=True)
        for name, one in ((_name(one), one) for one in fields.of_schema(task.form_schema)):
            value = fields.dig(values, one.path)
            if isinstance(value, list) and one.kind == "choices":
                sent.setlist(name, [str(item) for item in value])
            elif value is not None and value is not False:
                sent[name] = _as_text(value, one)
        return cls(task, sent)

    # ---- reading it ------------------------------------------------------------------

    @property
    def groups(self) -> list[Group]:
        """The fields as they are shown; the comment is not one of them."""
        found: list[Group] = []
        for name, one in self.asked.items():
            if not found or found[-1].legend != one.group:
                found.append(Group(one.group, []))
            found[-1].fields.append(self[name])
        return [Group(plain.shown(group.legend), group.fields) for group in found]

    @property
    def typed(self) -> dict[str, list[str]]:
        """What the browser sent, as a draft keeps it: without NUL, which cannot be stored."""
        sent = self.data
        assert isinstance(sent, QueryDict)
        return {
            name: [text.replace("\x00", "") for text in sent.getlist(name)]
            for name in self.fields
            if name in sent
        }

    def reasons_of(self, outcome: str) -> forms.BoundField | None:
        """The reasons to tick for an outcome; None when it has none."""
        return self[_reasons(outcome)] if _reasons(outcome) in self.fields else None

    def reason_codes(self, outcome: str) -> list[str]:
        """Which of them are ticked."""
        found: list[str] = self.cleaned_data.get(_reasons(outcome)) or []
        return found

    def edited(self) -> list[tuple[forms.BoundField, str, str]]:
        """The fields that are edited texts: each with what it was, and what it is by now."""
        return [
            (self[name], str(one.default or ""), _text_now(self[name]))
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
            words = dict(getattr(field, "choices", ()))
            texts = [str(words.get(text, text)) for text in typed.get(name, ()) if text]
            if isinstance(field, forms.BooleanField) and texts:
                texts = [_("Yes")]
            if texts:
                found.append((str(field.label), ", ".join(texts)))
        return found

    def values(self) -> dict[str, Any]:
        """What could be parsed, nested as the model has it. Empty ones are left out."""
        found: dict[str, Any] = {}
        for one, value in self._parsed():
            _put(found, one.path, value)
        for part in {one.part_of for one in self.asked.values() if one.part_of}:
            if not any(_is_filled(value) for one, value in self._parsed() if one.part_of == part):
                _leave_out(found, part)
        return found

    def checked_values(self) -> dict[str, Any]:
        """The values when nothing but this form can check them. Raises InvalidAnswer."""
        self.fields["comment"].required = False
        if not self.is_valid():
            raise InvalidAnswer(
                [
                    FieldError(self._loc(name), str(one), "invalid")
                    for name, found in self.errors.items()
                    for one in found
                ]
            )
        return self.values()

    # ---- checking it -----------------------------------------------------------------

    def check(self, outcome: str) -> bool:
        """Parse and validate for this outcome. All errors are in the form afterwards."""
        chosen = self.task.outcomes.get(outcome)
        self._outcome = outcome
        self.full_clean()
        if chosen is not None and chosen.form is None:
            for name in self.asked:
                self.errors.pop(name, None)
        try:
            codes = self.reason_codes(outcome)
            answers.check(self.task, outcome, self.values(), self.comment_text, codes)
        except InvalidAnswer as invalid:
            self.take(invalid)
        return not self.errors

    def take(self, invalid: InvalidAnswer) -> None:
        """Show errors beside their fields, or above the form. One for each field."""
        for error in invalid.errors:
            name = ".".join(map(str, error.loc))
            if name == REASONS:
                name = _reasons(self._outcome)
            if name not in self.fields:
                self.add_error(None, error.message)
            elif name not in self.errors:
                self.add_error(name, error.message)

    def _parsed(self) -> Iterator[tuple[Field, Any]]:
        for name, one in self.asked.items():
            if name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if value in (None, ""):
                if one.required or not (one.nullable or one.kind in _TEXTS):
                    continue
                value = None if one.nullable else ""
            yield one, value

    def _loc(self, name: str) -> tuple[str, ...]:
        return (PREFIX, *self.asked[name].path) if name in self.asked else (name,)


def _name(field: Field) -> str:
    return f"{PREFIX}.{field.name}"


def _reasons(outcome: str) -> str:
    return f"{REASONS}.{outcome}"


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
