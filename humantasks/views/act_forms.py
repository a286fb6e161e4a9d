"""What the acts on a task ask for."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from humantasks.inbox import InvalidAnswer
from humantasks.inbox.audit import label_of
from humantasks.models import HumanTask, Priority

MORNING = time(9)


class ActForm(forms.Form):
    """The base of them: knows the task and the person. The verb itself says what is wrong."""

    use_required_attribute = False

    def __init__(self, task: HumanTask, user: User, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.task = task
        self.user = user
        self.prepare()

    def prepare(self) -> None:
        """Fill in the choices that hang on the task."""

    def take(self, invalid: InvalidAnswer) -> None:
        """Show what the verb has found, beside its field or above the form."""
        for error in invalid.errors:
            name = str(error.loc[0]) if error.loc else ""
            self.add_error(name if name in self.fields else None, error.message)


def _text(label: Any, *, required: bool = True, rows: int = 3) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": gettext_lazy("Fill this in")},
    )


class NothingForm(ActForm):
    """Nothing to fill in: yes or back."""


class ReasonForm(ActForm):
    reason = _text(gettext_lazy("Reason"))


class MaybeReasonForm(ActForm):
    reason = _text(gettext_lazy("Reason"), required=False)


class NoteForm(ActForm):
    note = _text(gettext_lazy("Why"))


class SnoozeForm(ActForm):
    """One of a few times, or one of one's own."""

    choice = forms.ChoiceField(
        label=gettext_lazy("Until"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose an answer")},
    )
    until = forms.DateTimeField(
        label=gettext_lazy("Another time"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        error_messages={
            "invalid": gettext_lazy("Write a date and a time, such as 2026-01-31 14:30")
        },
    )

    def prepare(self) -> None:
        self._times = snooze_times(timezone.localtime())
        choice = self.fields["choice"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [
            *((name, f"{label} ({shown(at)})") for name, label, at in self._times),
            ("other", _("At another time")),
        ]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        times = {name: at for name, _label, at in self._times}
        if (choice := found.get("choice")) in times:
            found["until"] = times[choice]
        elif choice == "other" and not found.get("until") and "until" not in self.errors:
            self.add_error("until", _("Fill this in"))
        found.pop("choice", None)
        return found


def snooze_times(now: datetime) -> list[tuple[str, str, datetime]]:
    """A name, words and the time itself for each that is offered."""
    tomorrow = (now + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    monday = tomorrow + timedelta(days=(7 - tomorrow.weekday()) % 7)
    found = [
        ("hour", _("In an hour"), now + timedelta(hours=1)),
        ("four", _("In four hours"), now + timedelta(hours=4)),
        ("tomorrow", _("Tomorrow morning"), tomorrow),
    ]
    return found if monday == tomorrow else [*found, ("monday", _("On Monday"), monday)]


def shown(at: datetime) -> str:
    return date_format(timezone.localtime(at), "D H:i")


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Somebody, by their name."""

    def label_from_instance(self, obj: Any) -> str:
        return label_of(obj)


class PersonForm(ActForm):
    to = PersonField(
        get_user_model()._default_manager.none(),
        label=gettext_lazy("To whom"),
        empty_label=gettext_lazy("Choose…"),
        error_messages={
            "required": gettext_lazy("Choose an answer"),
            "invalid_choice": gettext_lazy("This person may not answer this task"),
        },
    )
    note = _text(gettext_lazy("Note"), required=False)

    def prepare(self) -> None:
        people = self.fields["to"]
        assert isinstance(people, PersonField)
        people.queryset = HumanTask.objects.people_for(self.task).exclude(
            pk=self.task.assignee_id or 0
        )


class TeamForm(ActForm):
    to = forms.ModelChoiceField(
        Group.objects.none(),
        label=gettext_lazy("To which team"),
        empty_label=gettext_lazy("Choose…"),
        error_messages={"required": gettext_lazy("Choose an answer")},
    )
    note = _text(gettext_lazy("Note"), required=False)

    def prepare(self) -> None:
        teams = self.fields["to"]
        assert isinstance(teams, forms.ModelChoiceField)
        others = Group.objects.exclude(pk=self.task.team_id or 0).filter(user__is_active=True)
        teams.queryset = others.distinct().order_by("name")


class AskForm(ActForm):
    question = _text(gettext_lazy("Your question"), rows=4)
    of = PersonField(
        get_user_model()._default_manager.none(),
        label=gettext_lazy("Whom to ask"),
        required=False,
        empty_label=None,
    )

    def prepare(self) -> None:
        people = self.fields["of"]
        assert isinstance(people, PersonField)
        people.queryset = HumanTask.objects.people_to_ask(self.task).exclude(pk=self.user.pk)
        requester = self.task.requester
        if requester is None:
            people.required, people.empty_label = True, _("Choose…")
        else:
            people.initial = requester.pk
            people.help_text = _("%(who)s has started the run.") % {"who": label_of(requester)}


class PriorityForm(ActForm):
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=Priority.choices,
        coerce=int,
        widget=forms.RadioSelect,
    )

    def prepare(self) -> None:
        self.fields["priority"].initial = self.task.priority


class DueForm(ActForm):
    due_at = forms.DateTimeField(
        label=gettext_lazy("Due"),
        required=False,
        help_text=gettext_lazy("Empty: it is never due."),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        error_messages={
            "invalid": gettext_lazy("Write a date and a time, such as 2026-01-31 14:30")
        },
    )
    reason = _text(gettext_lazy("Reason"), required=False)

    def prepare(self) -> None:
        self.fields["due_at"].initial = self.task.due_at
