"""How a test sees and answers human tasks: `runs.tasks` and `runs.complete`.

A task is claimed and completed through the inbox's verbs, so a test meets the rules and
the errors that people meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q
from pydantic import BaseModel

from humantasks import inbox
from humantasks.inbox import InboxError, InvalidAnswer
from humantasks.models import OPEN, HumanTask, Status
from humantasks.reviews import FourEyes

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def shown(run_id: UUID) -> list[HumanTask]:
    """The open tasks of a run, in the order in which they were asked."""
    return list(HumanTask.objects.filter(run_id=run_id, status__in=OPEN).order_by("ref"))


def answer(
    run_id: UUID,
    key: str,
    *,
    outcome: str | None = None,
    data: Mapping[str, Any] | BaseModel | None = None,
    comment: str = "",
    user: User | None = None,
) -> None:
    """Claim the open task `key` of a run and complete it, as `user`.

    Without `user` the one who holds it does it, else one who may; if there is nobody, a
    user is made who may. `data` is what is filled in, or an instance of the form. Raises
    what the inbox raises, and LookupError when nobody can be found.

    Of a task that several people decide it is one proposal, vote, or check, for which
    `outcome` is "approve" or "return".
    """
    task = HumanTask.objects.filter(run_id=run_id, key=key, status__in=OPEN).latest("generation")
    if outcome is None:
        raise TypeError(f"say how the task ends: outcome={_choices(task)}")
    values = data.model_dump(by_alias=True) if isinstance(data, BaseModel) else data
    person = user or _somebody(task)
    try:
        held = inbox.claim(task, user=person)
        if task.status == Status.IN_REVIEW and isinstance(task.review, FourEyes):
            _check(held, person, outcome, comment)
            return
        inbox.complete(held, user=person, outcome=outcome, data=values, comment=comment)
    except InboxError as error:
        error.add_note("\n".join(_notes(error, task, person)))
        raise


def _check(task: HumanTask, person: User, outcome: str, comment: str) -> None:
    if outcome not in ("approve", "return"):
        raise TypeError("somebody checks it: outcome='approve' or 'return'")
    say = inbox.approve if outcome == "approve" else inbox.return_proposal
    say(task, user=person, comment=comment)


def _choices(task: HumanTask) -> str:
    if task.status == Status.IN_REVIEW and isinstance(task.review, FourEyes):
        return "'approve' or 'return'"
    return " or ".join(repr(name) for name in task.outcomes)


def _notes(error: InboxError, task: HumanTask, person: User) -> Iterator[str]:
    """What a person would see on the page around the error."""
    yield f"task {task.name!r}, outcome={_choices(task)}, as {person.get_username()}"
    if isinstance(error, InvalidAnswer):
        for one in error.errors:
            yield f"{'.'.join(map(str, one.loc)) or 'outcome'}: {one.message}"
    else:
        yield f"it is assigned to {', '.join(task.assign_to)}"


def _somebody(task: HumanTask) -> User:
    """Who answers when the test does not say."""
    if task.assignee is not None:
        return task.assignee
    if task.status == Status.IN_REVIEW:
        return HumanTask.objects.people_for(task).first() or _made_reviewer(task)
    return _eligible(task) or _made(task)


def _eligible(task: HumanTask) -> User | None:
    names = [name.removeprefix("group:").removeprefix("user:") for name in task.assign_to]
    named = Q(groups__name__in=names) | Q(**{f"{_username_field()}__in": names})
    people = get_user_model()._default_manager.filter(named, is_active=True)
    return next((one for one in people.order_by("pk").distinct() if _may(one, task)), None)


def _made(task: HumanTask) -> User:
    """A new person in the first team that is named; the team too, if there is none."""
    team = next((name for name in task.assign_to if not name.startswith("user:")), None)
    if team is not None:
        group, _ = Group.objects.get_or_create(name=team.removeprefix("group:"))
        person = get_user_model()._default_manager.create_user(f"somebody-of-{group.name}"[:150])
        person.groups.add(group)
        if _may(person, task):
            return person
    raise LookupError(
        f"nobody may answer {task.name!r}, which is assigned to {', '.join(task.assign_to)}. "
        "Make the person before the run asks"
    )


def _made_reviewer(task: HumanTask) -> User:
    """One more person who may check the task, or vote on it."""
    names = task.review.checkers if isinstance(task.review, FourEyes) else task.assign_to
    team = next((name for name in names if not name.startswith("user:")), None)
    if team is None:
        raise LookupError(f"nobody may review {task.name!r}. Make the person before the run asks")
    group, _ = Group.objects.get_or_create(name=team.removeprefix("group:"))
    number = group.user_set.count() + 1
    person = get_user_model()._default_manager.create_user(f"reviewer-{number}-of-{group}"[:150])
    person.groups.add(group)
    return person


def _may(person: User, task: HumanTask) -> bool:
    return HumanTask.objects.answerable_by(person).filter(pk=task.pk).exists()


def _username_field() -> str:
    return str(get_user_model().USERNAME_FIELD)
