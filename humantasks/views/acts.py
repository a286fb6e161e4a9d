"""What can be done with a task beside answering it: each a question first, then one verb.

The question is a page; with htmx it opens as a dialog. `ACTS` is the whole list, in the
order of the menu.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from humantasks import access, inbox
from humantasks.models import HumanTask, Pause, Status
from humantasks.views import act_forms
from humantasks.views.act_forms import ActForm


class Situation:
    """A person before a task (`for_reader`): what the acts ask about it."""

    def __init__(self, task: HumanTask, user: User) -> None:
        self.task = task
        self.user = user

    @property
    def holds(self) -> bool:
        return self.task.status == Status.CLAIMED and self.task.assignee_id == self.user.pk

    @property
    def has_paused(self) -> bool:
        return self.task.status == Status.PAUSED and self.task.assignee_id == self.user.pk

    @property
    def is_snoozed(self) -> bool:
        return self.has_paused and self.task.pause_kind == Pause.SNOOZE

    @property
    def has_asked(self) -> bool:
        return self.has_paused and self.task.pause_kind == Pause.INFO

    @property
    def is_asked(self) -> bool:
        is_info = self.task.status == Status.PAUSED and self.task.pause_kind == Pause.INFO
        return is_info and (self.task.asked_of_id == self.user.pk or self.is_lead)

    @property
    def is_lead(self) -> bool:
        return self.task.is_led

    @property
    def may_manage(self) -> bool:
        return self.task.is_open and (self.user.has_perm(access.OPERATE) or self.is_lead)

    @property
    def may_give(self) -> bool:
        own = self.holds and self.task.policy.transferable
        return self.task.is_open and (own or self.is_lead)

    @property
    def may_escalate(self) -> bool:
        has_above = self.task.has_team_above
        return self.task.is_open and has_above and (self.holds or self.is_lead)

    @property
    def may_skip(self) -> bool:
        is_lead_of_skippable = self.task.policy.skippable and self.is_lead
        is_allowed = self.user.has_perm(access.OPERATE) or is_lead_of_skippable
        return self.task.is_open and is_allowed

    @property
    def may_answer(self) -> bool:
        return self.task.is_open and (self.task.may_answer or self.task.may_review)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One of them. `text` says what follows; `done` is said afterwards."""

    name: str
    label: Any
    text: Any
    verb: Any
    done: Any
    icon: str
    do: Callable[..., object]
    offered: Callable[[Situation], bool]
    form: type[ActForm] = act_forms.NothingForm
    key: str = ""
    is_danger: bool = False
    # Whether the person is done with the task: they are led on, not back to it.
    leaves: bool = False
    # Asked for on the page itself, not in the menu.
    is_first: bool = field(default=False)


_HOLDER: Sequence[Act] = (
    Act(
        name="release",
        label=_("Give it back…"),
        text=_("It is free for the others again. What you have typed stays yours."),
        verb=_("Give back"),
        done=_("Given back to the team."),
        icon="undo-2",
        do=inbox.release,
        offered=lambda one: one.has_paused or (one.holds and one.task.policy.release_reason),
        form=act_forms.ReasonForm,
    ),
    Act(
        name="let-pass",
        label=_("Let it pass…"),
        text=_("It goes back to the team, and is not served to you for an hour."),
        verb=_("Let it pass"),
        done=_("Passed on."),
        icon="skip-forward",
        do=inbox.let_pass,
        offered=lambda one: one.holds,
        form=act_forms.MaybeReasonForm,
        key="s",
        leaves=True,
    ),
    Act(
        name="snooze",
        label=_("Put it aside…"),
        text=_("It stays yours, and comes back by itself. When it is due does not change."),
        verb=_("Put it aside"),
        done=_("Put aside."),
        icon="moon",
        do=inbox.snooze,
        offered=lambda one: one.holds and one.task.policy.may_snooze,
        form=act_forms.SnoozeForm,
        key="z",
        leaves=True,
    ),
    Act(
        name="ask",
        label=_("Ask a question…"),
        text=_("The task waits for the answer, and its clock stands still meanwhile."),
        verb=_("Ask"),
        done=_("Asked."),
        icon="message-square",
        do=inbox.request_info,
        offered=lambda one: one.holds,
        form=act_forms.AskForm,
        leaves=True,
    ),
    Act(
        name="delegate",
        label=_("Let somebody else do it…"),
        text=_("You stay responsible: given back, it returns to you, and the answer names both."),
        verb=_("Delegate"),
        done=_("Delegated."),
        icon="users",
        do=inbox.delegate,
        offered=lambda one: one.holds,
        form=act_forms.PersonForm,
        leaves=True,
    ),
    Act(
        name="unsnooze",
        label=_("Take it up again"),
        text=_("It is yours, and can be decided at once."),
        verb=_("Take it up again"),
        done=_("Taken up again."),
        icon="play",
        do=inbox.unsnooze,
        offered=lambda one: one.is_snoozed,
        is_first=True,
    ),
    Act(
        name="withdraw-question",
        label=_("Go on without the answer"),
        text=_("The question stays in the comments; nobody is asked any more."),
        verb=_("Go on"),
        done=_("You can decide now."),
        icon="play",
        do=inbox.withdraw_question,
        offered=lambda one: one.has_asked,
        is_first=True,
    ),
)

_TEAM: Sequence[Act] = (
    Act(
        name="assign",
        label=_("Assign it…"),
        text=_("Whoever holds it now is told. What they have typed stays theirs."),
        verb=_("Assign"),
        done=_("Assigned."),
        icon="user",
        do=inbox.assign,
        offered=lambda one: one.may_give,
        form=act_forms.PersonForm,
    ),
    Act(
        name="move",
        label=_("Move it to another team…"),
        text=_("It is free there. Who must not answer it still must not."),
        verb=_("Move"),
        done=_("Moved."),
        icon="arrow-right",
        do=inbox.move,
        offered=lambda one: one.may_give,
        form=act_forms.TeamForm,
        leaves=True,
    ),
    Act(
        name="escalate",
        label=_("Escalate it…"),
        text=_("The team above sees it, too, and it becomes more pressing."),
        verb=_("Escalate"),
        done=_("Escalated."),
        icon="triangle-alert",
        do=inbox.escalate,
        offered=lambda one: one.may_escalate,
        form=act_forms.NoteForm,
    ),
    Act(
        name="priority",
        label=_("Change the priority…"),
        text=_("Whoever is judging it is not disturbed."),
        verb=_("Change"),
        done=_("Changed."),
        icon="settings",
        do=inbox.set_priority,
        offered=lambda one: one.may_manage,
        form=act_forms.PriorityForm,
    ),
    Act(
        name="due",
        label=_("Change the due time…"),
        text=_("A later time needs a reason."),
        verb=_("Change"),
        done=_("Changed."),
        icon="calendar-clock",
        do=inbox.set_due,
        offered=lambda one: one.may_manage,
        form=act_forms.DueForm,
    ),
    Act(
        name="conflict",
        label=_("I must not decide this…"),
        text=_("You know the customer, or have another interest in it. You are out, for good."),
        verb=_("Take me out"),
        done=_("You are out of it."),
        icon="lock",
        do=inbox.declare_conflict,
        offered=lambda one: one.may_answer,
        form=act_forms.ReasonForm,
        leaves=True,
    ),
    Act(
        name="fail",
        label=_("It cannot be done…"),
        text=_("The workflow is told, with your reason. This ends the task."),
        verb=_("It cannot be done"),
        done=_("The workflow is told."),
        icon="octagon-x",
        do=inbox.fail,
        offered=lambda one: one.holds,
        form=act_forms.ReasonForm,
        is_danger=True,
    ),
    Act(
        name="skip",
        label=_("Skip it…"),
        text=_("It need not be done: the workflow goes on without an answer. This ends the task."),
        verb=_("Skip the task"),
        done=_("Skipped."),
        icon="skip-forward",
        do=inbox.skip,
        offered=lambda one: one.may_skip,
        form=act_forms.ReasonForm,
        is_danger=True,
    ),
)

ACTS: dict[str, Act] = {act.name: act for act in (*_HOLDER, *_TEAM)}


def offered(task: HumanTask, user: User) -> list[Act]:
    """What this person can do with the task as it is."""
    situation = Situation(task, user)
    return [act for act in ACTS.values() if act.offered(situation)]
