"""A task's form as a Django form: how it is drawn, and how a browser's text becomes values.

Django only parses. Whether the values are right is `humantasks.answers`' to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from humantasks import answers, fields, plain
from humantasks.fields import Field
from humantasks.inbox.errors import FieldError, InvalidAnswer
from humantasks.inputs import LinesField, LocalNumberField, TextField
from humantasks.models import HumanTask

PREFIX = "data"
# More than these go into a list that unfolds.
MAX_RADIOS = 5


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
        self.asked = {_name(one): one for one in fields.of_schema(task.form_schema)}
        comment = self.fields.pop("comment")
        for name, one in self.asked.items():
            self.fields[name] = _django_field(one)
        self.fields["comment"] = comment
        comment.help_text = _comment_hint(task)
        if draft is not None:
            self.initial = _initial_of(self, draft)

    @classmethod
    def of_values(cls, task: HumanTask, values: Mapping[str, Any]) -> DecisionForm:
        """A form filled in with plain values, for a task whose form class has gone."""
        sent = QueryDict(mutable=True)
        for name, one in ((_name(one), one) for one in fields.of_schema(task.form_schema)):
            value = _dig(values, one.path)
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
        self.full_clean()
        if chosen is not None and chosen.form is None:
            for name in self.asked:
                self.errors.pop(name, None)
        try:
            answers.check(self.task, outcome, self.values(), self.comment_text)
        except InvalidAnswer as invalid:
            self.take(invalid)
        return not self.errors

    def take(self, invalid: InvalidAnswer) -> None:
        """Show errors beside their fields, or above the form. One for each field."""
        for error in invalid.errors:
            name = ".".join(map(str, error.loc))
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
                if one.required or not (one.nullable or one.kind in ("text", "long_text")):
                    continue
                value = None if one.nullable else ""
            yield one, value

    def _loc(self, name: str) -> tuple[str, ...]:
        return (PREFIX, *self.asked[name].path) if name in self.asked else (name,)


def _name(field: Field) -> str:
    return f"{PREFIX}.{field.name}"


def _comment_hint(task: HumanTask) -> str:
    needing = [one for one in task.outcomes.values() if one.comment == "required"]
    if not needing:
        return ""
    labels = ", ".join(plain.shown(one.label) for one in needing)
    return _("Required for: %(outcomes)s") % {"outcomes": labels}


# ---- how each kind of field is drawn -------------------------------------------------


def _django_field(field: Field) -> forms.Field:
    made = _MAKERS.get(field.kind, _text)(field)
    made.label = plain.shown(field.label)
    made.help_text = plain.shown(field.help)
    made.required = field.required and field.part_of is None and field.kind != "boolean"
    made.initial = _initial(field)
    made.error_messages["required"] = plain.missing(field.kind)
    if "invalid" in made.error_messages:
        made.error_messages["invalid"] = _invalid(field)
    return made


def _initial(field: Field) -> Any:
    if field.kind in ("integer", "number") and field.default is not None:
        # A number and no text: a text is taken for what somebody has typed.
        return Decimal(str(field.default))
    return field.default


def _invalid(field: Field) -> str:
    code = {
        "integer": "int_parsing",
        "number": "float_parsing",
        "date": "date_parsing",
        "datetime": "datetime_parsing",
        "time": "time_parsing",
        "url": "url_parsing",
    }
    return plain.message(code.get(field.kind, "invalid"), {})


def _text(field: Field) -> forms.Field:
    widgets: dict[str, forms.Widget] = {
        "long_text": forms.Textarea(attrs={"rows": 5}),
        "email": forms.EmailInput(attrs={"autocomplete": "off"}),
        "url": forms.URLInput(),
    }
    made = TextField(max_length=field.max_length, widget=widgets.get(field.kind))
    if field.max_length is not None:
        made.error_messages["max_length"] = plain.too_long(field.max_length)
    return made


def _number(field: Field) -> forms.Field:
    is_whole = field.kind == "integer"
    return LocalNumberField(
        is_whole=is_whole,
        widget=forms.TextInput(attrs={"inputmode": "numeric" if is_whole else "decimal"}),
    )


def _boolean(field: Field) -> forms.Field:
    return forms.BooleanField()


def _date(field: Field) -> forms.Field:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(widget=widget)


def _datetime(field: Field) -> forms.Field:
    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    return forms.DateTimeField(widget=widget)


def _time(field: Field) -> forms.Field:
    return forms.TimeField(widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))


def _choice(field: Field) -> forms.Field:
    choices = [(str(value), plain.shown(label)) for value, label in field.choices]
    widget: forms.Widget = forms.RadioSelect()
    nothing = [("", _("No answer"))] if field.nullable else []
    if len(choices) > MAX_RADIOS:
        widget = forms.Select()
        nothing = [("", _("Choose…"))] if field.nullable or field.default is None else []
    return forms.TypedChoiceField(
        choices=nothing + choices, coerce=_back(field), empty_value=None, widget=widget
    )


def _choices(field: Field) -> forms.Field:
    return forms.TypedMultipleChoiceField(
        choices=[(str(value), plain.shown(label)) for value, label in field.choices],
        coerce=_back(field),
        widget=forms.CheckboxSelectMultiple,
    )


def _lines(field: Field) -> forms.Field:
    return LinesField(widget=forms.Textarea(attrs={"rows": 4}))


def _json(field: Field) -> forms.Field:
    return forms.JSONField(widget=forms.Textarea(attrs={"rows": 6, "class": "code-input"}))


def _back(field: Field) -> Callable[[str], Any]:
    """From the text in a form to the value that the model knows: `"1"` may have been 1."""
    known = {str(value): value for value, _label in field.choices}
    return lambda text: known[text]


_MAKERS: dict[str, Callable[[Field], forms.Field]] = {
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "choice": _choice,
    "choices": _choices,
    "lines": _lines,
    "json": _json,
}


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


def _dig(nested: Any, path: fields.Path) -> Any:
    for key in path:
        nested = nested.get(key) if isinstance(nested, Mapping) else None
    return nested


def _is_filled(value: Any) -> bool:
    return value not in (None, "", False, [])


def _as_text(value: Any, field: Field) -> str:
    if field.kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    return json.dumps(value) if field.kind == "json" else str(value)
