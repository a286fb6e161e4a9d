"""Who sees which tasks, and in which order. Every page, count and search asks here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.expressions import RawSQL

from humantasks.reviews import FourEyes
from orchestrator.clock import Now

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from humantasks.models import HumanTask

# A number of more digits does not fit the column.
MAX_DIGITS = 19
SEE_ALL = "humantasks.view_humantask"
SEE_DATA = "humantasks.view_taskpayload"


class TaskQuerySet(QuerySet["HumanTask"]):
    """`HumanTask.objects`."""

    # ---- who -------------------------------------------------------------------------

    def visible_to(self, user: User) -> Self:
        """What this person may see. Anything else does not exist for them."""
        return (
            self.all()
            if user.has_perm(SEE_ALL)
            else self.filter(_is_involved(user) | Q(asked_of=user))
        )

    def involving(self, user: User) -> Self:
        """What was or is this person's to answer, or to hand out. They may see its data."""
        return self.filter(_is_involved(user))

    def open_to(self, user: User) -> Self:
        """Of whose data this person may know, and talk about."""
        if user.has_perm(SEE_DATA):
            return self.visible_to(user)
        return self.filter(_is_involved(user) | Q(asked_of=user))

    def led_by(self, user: User) -> Self:
        """The tasks of the teams that this person leads, and of the teams below those."""
        return self.filter(_is_led(user)) if user.is_active else self.none()

    def answerable_by(self, user: User) -> Self:
        """What this person may claim and answer, as far as it is about the person."""
        if not user.is_active:
            return self.none()
        return self.filter(_is_candidate(user), ~_is_excluded(user))

    def reviewable_by(self, user: User) -> Self:
        """What this person may check or vote on, as far as it is about the person."""
        if not user.is_active:
            return self.none()
        return self.filter(_may_review(user), status="in_review")

    def with_exclusion_of(self, user: User) -> Self:
        """Annotates `excluded_why`: the person is in the team, and must not answer this one."""
        why = _lines("excluded").filter(user=user).values("why")[:1]
        return self.annotate(excluded_why=Subquery(why))

    def for_reader(self, user: User) -> Self:
        """Annotates what the page of a task must know of its reader, in the same query."""
        may_answer = _is_candidate(user) & ~Q(_is_excluded(user)) if user.is_active else Q(pk=None)
        sees_data = Q() if user.has_perm(SEE_DATA) else _is_involved(user)
        return self.with_exclusion_of(user).annotate(
            is_led=_told(_is_led(user) if user.is_active else Q(pk=None)),
            may_answer=_told(may_answer),
            may_review=_told(Q(status="in_review") & _may_review(user)),
            has_team_above=_has_team_above(),
            sees_data=_told(sees_data) if sees_data else Value(value=True),
        )

    def people_for(self, task: HumanTask) -> QuerySet[User]:
        """Who may answer a task, by name; when it is in review, who may take a seat of it."""
        lines = _all_lines().filter(task=task)
        is_check = task.status == "in_review" and isinstance(task.review, FourEyes)
        asked = lines.filter(kind="checker" if is_check else "candidate")
        is_named = Q(pk__in=asked.values("user"))
        is_member = Q(groups__in=asked.values("group"))
        if not is_check:
            is_member |= Q(groups=task.team_id)
        is_new = Q(groups__name__in=asked.filter(user=None, group=None).values("name"))
        people = get_user_model()._default_manager.filter(is_active=True)
        found: QuerySet[User] = people.filter(is_named | is_member | is_new)
        found = found.exclude(pk__in=lines.filter(kind="excluded").values("user"))
        if task.status == "in_review":
            sit = _table("TaskSeat").filter(task=task, round=task.round, user__isnull=False)
            made = _table("TaskDecision").filter(task=task, kind="proposal")
            found = found.exclude(pk__in=sit.values("user")).exclude(pk__in=made.values("user"))
        return found.distinct().order_by("username")

    def people_to_ask(self, task: HumanTask) -> QuerySet[User]:
        """Who may be asked about a task, by name: who may answer it, and who started the run."""
        is_one_of_them = Q(pk__in=self.people_for(task).values("pk"))
        is_requester = Q(pk=task.requester_id or 0, is_active=True)
        people = get_user_model()._default_manager.filter(is_one_of_them | is_requester)
        return people.order_by("username")

    def held_by_strangers(self) -> Self:
        """What somebody holds who is no candidate for it (any more), or has left."""
        holder = OuterRef("assignee")
        is_of_team = Group.objects.filter(pk=OuterRef("team"), user=holder)
        lines = _lines("candidate").filter(named(holder))
        return self.filter(Q(assignee__is_active=False) | ~Exists(is_of_team) & ~Exists(lines))

    # ---- which -----------------------------------------------------------------------

    def my_work(self, user: User) -> Self:
        """What this person has claimed, and what waits for information of theirs."""
        return self.filter(Q(assignee=user) | Q(asked_of=user))

    def asked_of(self, user: User) -> Self:
        """What waits for information that this person was asked for."""
        return self.filter(asked_of=user)

    def free_for(self, user: User) -> Self:
        """What this person may claim now."""
        return self.answerable_by(user).filter(closed_at=None, status="ready")

    def not_passed_by(self, user: User) -> Self:
        """Without what this person let pass a short while ago."""
        passes = apps.get_model("humantasks", "TaskPass")._default_manager
        recent = passes.filter(task=OuterRef("pk"), user=user, until__gt=Now())
        return self.filter(~Exists(recent))

    def to_check(self, user: User) -> Self:
        """Where this person checks or votes (`sits`), and where a seat is free for them."""
        seats = _table("TaskSeat").filter(task=OuterRef("pk"), round=OuterRef("round"))
        has_voted = Exists(seats.filter(user=user, status="done"))
        is_free = Exists(seats.filter(status="open")) & _may_review(user) & ~has_voted
        is_mine = Exists(seats.filter(user=user, status="taken"))
        return self.annotate(sits=is_mine).filter(Q(is_mine) | is_free, status="in_review")

    def checked_by(self, user: User) -> Self:
        """What has ended after this person checked it, or voted on it."""
        made = _table("TaskDecision").exclude(kind__in=["decision", "proposal"])
        return self.filter(pk__in=made.filter(user=user).values("task"), closed_at__isnull=False)

    def queue_of(self, user: User) -> Self:
        """What waits for this person's teams. Also what they must not answer themselves."""
        return self.filter(_is_candidate(user), closed_at=None, status="ready")

    def open_for(self, user: User) -> Self:
        """All open tasks of this person's teams; of every team for who may see them all."""
        return self.visible_to(user).filter(closed_at=None)

    def done_by(self, user: User) -> Self:
        return self.filter(completed_by=user)

    def of_type(self, name: str) -> Self:
        return self.filter(type=name) if name else self.all()

    def matching(self, text: str) -> Self:
        """Tasks with this number, or with this text in their title."""
        text = text.strip()
        if not text:
            return self.all()
        number = text.removeprefix("#")
        is_number = number.isascii() and number.isdigit() and len(number) < MAX_DIGITS
        titled = Q(title__icontains=text)
        return self.filter(titled | Q(ref=int(number)) if is_number else titled)

    # ---- in which order --------------------------------------------------------------

    def most_pressing_first(self) -> Self:
        return self.order_by("-priority", F("due_at").asc(nulls_last=True), "id")

    def after(self, last: HumanTask) -> Self:
        """What follows this task in the order of `most_pressing_first`."""
        if last.due_at is None:
            later = Q(due_at=None, id__gt=last.id)
        else:
            same = Q(due_at=last.due_at, id__gt=last.id)
            later = same | Q(due_at__gt=last.due_at) | Q(due_at=None)
        same_or_less = self.filter(priority__lte=last.priority)  # where the index can begin
        return same_or_less.filter(Q(priority__lt=last.priority) | later)

    def due_first(self) -> Self:
        """What is overdue for longest, then what is due next."""
        return self.order_by(F("due_at").asc(nulls_last=True), "id")

    def after_due(self, last: HumanTask) -> Self:
        """What follows this task in the order of `due_first`."""
        if last.due_at is None:
            return self.filter(due_at=None, id__gt=last.id)
        same = Q(due_at=last.due_at, id__gt=last.id)
        return self.filter(same | Q(due_at__gt=last.due_at) | Q(due_at=None))

    def latest_first(self) -> Self:
        return self.order_by("-closed_at", "-id")

    def before(self, last: HumanTask) -> Self:
        """What follows this task in the order of `latest_first`."""
        return self.filter(
            Q(closed_at__lt=last.closed_at) | Q(closed_at=last.closed_at, id__lt=last.id)
        )

    def for_list(self) -> Self:
        """With all that a row of open tasks shows, in the same query."""
        return self.select_related("team", "assignee", "asked_of").defer("schema")


# The groups that a person leads, and those below. UNION ends also where they form a ring.
_LED = """
WITH RECURSIVE led(id) AS (
    SELECT teamprofile_id FROM humantasks_teamprofile_leads WHERE user_id = %s
    UNION
    SELECT below.group_id FROM humantasks_teamprofile below JOIN led ON below.parent_id = led.id
) SELECT id FROM led
"""


def named(person: OuterRef) -> Q:
    """The lines that name a person: themselves, a team of theirs, or one that was made later."""
    teams = Group.objects.filter(user=OuterRef(person))
    is_new = Q(user=None, group=None, name__in=teams.values("name"))
    return Q(user=person) | Q(group__user=person) | is_new


def _has_team_above() -> Exists:
    profiles = apps.get_model("humantasks", "TeamProfile")._default_manager
    return Exists(profiles.filter(group=OuterRef("team"), parent__isnull=False))


def _told(condition: Q) -> ExpressionWrapper[Q]:
    return ExpressionWrapper(condition, output_field=BooleanField())


def _is_led(user: User) -> Q:
    return Q(team__in=RawSQL(_LED, [user.pk]))


def _is_involved(user: User) -> Q:
    mine = Q(assignee=user) | Q(completed_by=user) | Q(owner=user)
    return mine | _is_candidate(user, "candidate", "checker") | _is_led(user)


def _is_candidate(user: User, *kinds: str) -> Q:
    """Whether a task was sent to this person or one of their teams.

    Nearly always to one team, which the task's own row says; the rest is on its list of
    candidates. A name that was no group's when the task was asked matches a group of
    today: a team that is made later gets its tasks. It never matches a person.
    """
    groups = user.groups.all()
    is_me = Q(user=user) | Q(group__in=groups.values("id"))
    is_my_new_team = Q(user=None, group=None, name__in=groups.values("name"))
    lines = _lines(*(kinds or ("candidate",))).filter(is_me | is_my_new_team)
    return Q(team__in=groups.values("id")) | Q(Exists(lines))


def _may_review(user: User) -> Q:
    """Whether a seat of the task's round could be this person's: nobody checks their own."""
    seats = _table("TaskSeat").filter(task=OuterRef("pk"), round=OuterRef("round"))
    groups = user.groups.all()
    is_me = Q(user=user) | Q(group__in=groups.values("id"))
    is_my_new_team = Q(user=None, group=None, name__in=groups.values("name"))
    is_checker = Q(Exists(_lines("checker").filter(is_me | is_my_new_team)))
    proposals = _table("TaskDecision").filter(task=OuterRef("pk"), user=user, kind="proposal")
    checks = Q(Exists(seats.filter(role="checker"))) & is_checker & ~Q(Exists(proposals))
    votes = Q(Exists(seats.filter(role="voter"))) & _is_candidate(user)
    return (checks | votes) & ~Q(_is_excluded(user))


def _is_excluded(user: User) -> Exists:
    return Exists(_lines("excluded").filter(user=user))


def _table(name: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model("humantasks", name)._default_manager.all()
    return rows


def _all_lines() -> QuerySet[Any]:
    return _table("TaskCandidate")


def _lines(*kinds: str) -> QuerySet[Any]:
    return _all_lines().filter(task=OuterRef("pk"), kind__in=kinds)
