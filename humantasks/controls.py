"""How each kind of field is drawn: Django's form fields and widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from humantasks import plain, rows
from humantasks.definitions import Check, Outcome
from humantasks.fields import Field
from humantasks.inputs import LinesField, LocalNumberField, TextField
from humantasks.models import HumanTask
from humantasks.verdicts import VerdictsField

# More than these go into a list that unfolds.
MAX_RADIOS = 5


def of_reasons(outcome: Outcome) -> forms.Field:
    """Boxes to tick: why this outcome."""
    return forms.MultipleChoiceField(
        label=_("Why?"),
        choices=[(code, plain.shown(label)) for code, label in outcome.reason_codes.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": _("Choose one of the reasons")},
    )


class ChecklistField(forms.MultipleChoiceField):
    """Not optional; which boxes must be ticked hangs on the outcome, and is said elsewhere."""

    def validate(self, value: Any) -> None:
        if value:
            super().validate(value)


def of_checklist(checklist: Sequence[Check]) -> forms.Field:
    """Boxes to tick: what must have been looked at."""
    return ChecklistField(
        label=_("Checklist"),
        choices=[(one.name, plain.shown(one.label)) for one in checklist],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Tick what is on the checklist")},
    )


def of(field: Field, task: HumanTask) -> forms.Field:
    """The control for one field of a form of the task."""
    if field.kind == "rows":
        made: forms.Field = VerdictsField(field, rows.of_task(task, field))
    else:
        made = _MAKERS.get(field.kind, _text)(field)
    made.label = plain.shown(field.label)
    made.help_text = plain.shown(field.help)
    is_checked_elsewhere = field.part_of is not None or field.kind == "boolean"
    made.required = field.required and not is_checked_elsewhere
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
        "editor": forms.Textarea(attrs={"rows": 18, "class": "editor"}),
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
