"""What operators send: the reason for an action, a run's input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from inspect import Parameter
from typing import Any
from uuid import UUID, uuid4

from django import forms

from dashboard.bulk import ACTS
from dashboard.mistakes import ignored_fields, sentences
from orchestrator.core.definition import Definition, registry
from orchestrator.core.errors import InvalidInput, NotSerializable, PayloadTooLarge
from orchestrator.models import Run, Status

MAX_REASON = 1_000
# What the key of a step can have.
MAX_NAME = 255


class ActionForm(forms.Form):
    """The question before an action. It carries what the operator saw of the run."""

    reason = forms.CharField(
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit, with your name.",
    )
    expected_rev = forms.IntegerField(widget=forms.HiddenInput)
    expected_status = forms.ChoiceField(choices=Status.choices, widget=forms.HiddenInput)

    def __init__(self, *args: Any, steps: Sequence[str] = (), **kwargs: Any) -> None:
        """`steps` are the keys to choose from, for a form that has such a field."""
        super().__init__(*args, **kwargs)
        self.steps = steps

    @classmethod
    def about(cls, run: Run, *, steps: Sequence[str] = (), given: Mapping[str, str]) -> ActionForm:
        """The form for `run` as it is. `given` may name the step or the sleep it is about."""
        seen = {"expected_rev": run.rev, "expected_status": run.status}
        about = {name: given[name] for name in ("step", "key") if name in given}
        return cls(initial=seen | about, steps=steps)

    def fits(self, run: Run) -> bool:
        """Whether what was typed is of use for this run; if not, the form says why."""
        return True

    def take(self, refused: InvalidInput | NotSerializable | PayloadTooLarge) -> None:
        """Show what is wrong with the input, if the form has one."""
        said = sentences(refused) if isinstance(refused, InvalidInput) else [str(refused)]
        for sentence in said:
            self.add_error("input" if "input" in self.fields else None, sentence)


class CancelForm(ActionForm):
    """A cancel needs a reason: it is shown with the run and with the tasks that it withdraws."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True
        self.fields["reason"].error_messages["required"] = "Say why the run is to stop."


class StepForm(ActionForm):
    """Which step the action begins with. Whether the run has it is for the engine to say."""

    step = forms.CharField(
        max_length=MAX_NAME, help_text="It and everything after it is executed again."
    )
    field_order: Sequence[str] = ("step", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["step"]
        known = dict.fromkeys([*self.steps, *filter(None, [self["step"].value()])])
        field.widget = forms.Select(choices=[("", "Choose a step"), *((key, key) for key in known)])


class ForkForm(StepForm):
    """A fork may get another input than the run had."""

    step = forms.CharField(
        max_length=MAX_NAME, help_text="The fork has the results of everything before it."
    )
    input = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "code-input", "spellcheck": "false"}),
        help_text="JSON. Leave it empty to keep the input of the run.",
    )
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    field_order = ("step", "input", "reason")

    def clean_input(self) -> Any:
        """The value, or `...` for that of the run."""
        text = self.cleaned_data["input"]
        return read_json(text) if text.strip() else ...

    def fits(self, run: Run) -> bool:
        value = self.cleaned_data["input"]
        if value is not ... and registry.knows(run.workflow, run.version):
            for sentence in ignored_fields(registry.get(run.workflow, run.version), value):
                self.add_error("input", sentence)
        return not self.errors


class KeyForm(ActionForm):
    """Which of the run's sleeps, or of its back-offs."""

    key = forms.CharField(max_length=MAX_NAME, widget=forms.HiddenInput)


class StartForm(forms.Form):
    """A run to start: its input as JSON."""

    version = forms.ChoiceField()
    input = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "code-input", "spellcheck": "false"}),
        help_text="JSON. Times as 2026-01-31T09:00:00Z, decimals as text.",
    )
    key = forms.CharField(
        required=False,
        max_length=255,
        label="Idempotency key",
        help_text="A key that is known leads to the run that has it; no second one is started.",
    )
    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, versions: Sequence[Definition], about: Definition, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.versions = {one.version: one for one in versions}
        field = self.fields["version"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one, one) for one in self.versions]
        self.fields["input"].required = about.input_default is Parameter.empty
        if not about.takes_input:
            del self.fields["input"]

    def clean_input(self) -> Any:
        """The value that the JSON stands for."""
        text = self.cleaned_data["input"]
        return read_json(text) if text.strip() else None

    def clean(self) -> None:
        """What the workflow would leave out without a word is a mistake of the person."""
        value, version = self.cleaned_data.get("input"), self.cleaned_data.get("version")
        if value is not None and version:
            for sentence in ignored_fields(self.versions[version], value):
                self.add_error("input", sentence)

    def add_input_errors(self, refused: InvalidInput) -> None:
        """Show why the workflow does not take the input, with the paths of the fields."""
        name = "input" if "input" in self.fields else None
        for sentence in sentences(refused):
            self.add_error(name, sentence)


def read_json(text: str) -> Any:
    """The value that the JSON stands for. Raises ValidationError with the place of the mistake."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise forms.ValidationError(
            f"This is not JSON, from {where} on: {error.msg}. Names and texts stand in double "
            'quotes, with commas between the fields, such as {"name": "Ada", "age": 36}.'
        ) from error
    except (ValueError, RecursionError) as error:
        raise forms.ValidationError(f"This cannot be read: {error}.") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


# More runs than this are confirmed by typing their number.
TYPED = 100
# Runs that may be chosen one by one.
CHOSEN = 500


class UUIDsField(forms.MultipleChoiceField):
    """The ids of runs that were chosen."""

    widget = forms.MultipleHiddenInput

    def validate(self, value: Sequence[str]) -> None:
        if len(value) > CHOSEN:
            raise forms.ValidationError(f"At most {CHOSEN} runs can be chosen one by one.")

    def clean(self, value: Any) -> list[UUID]:
        try:
            return [UUID(one) for one in super().clean(value)]
        except ValueError as error:
            raise forms.ValidationError("A run is chosen by its id.") from error


class BulkForm(forms.Form):
    """What to do to many runs, why, and which: a list, or those that were chosen."""

    verb = forms.ChoiceField(
        choices=[(name, verb.label) for name, (verb, _) in ACTS.items()],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what to do."},
    )
    reason = forms.CharField(
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the audit of each run, with your name.",
        error_messages={"required": "Say why: it is kept with each run."},
    )
    number = forms.CharField(required=False, max_length=20)
    # The query string of the list. What came after `newest` is not meant; `shown` is how many
    # there were.
    list = forms.CharField(required=False, max_length=4_000, widget=forms.HiddenInput)
    run = UUIDsField(required=False)
    newest = forms.UUIDField(required=False, widget=forms.HiddenInput)
    shown = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    token = forms.UUIDField(widget=forms.HiddenInput)

    def clean(self) -> None:
        shown, typed = self.cleaned_data.get("shown") or 0, self.cleaned_data.get("number", "")
        if shown > TYPED and typed.replace(",", "").strip() != str(shown):
            self.add_error("number", f"Type {shown} to say that so many are meant.")
