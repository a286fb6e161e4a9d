"""Who sees which tasks, and in which order. Every page, count and search asks here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Q, QuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from humantasks.models import HumanTask

# A number of more digits does not fit the column.
MAX_DIGITS = 19
SEE_ALL = "humantasks.view_humantask"


class TaskQuerySet(QuerySet["HumanTask"]):
    """`HumanTask.objects`."""

    # ---- who -------------------------------------------------------------------------

    def visible_to(self, user: User) -> Self:
        """What this person may see. Anything else does not exist for them."""
        return self.all() if user.has_perm(SEE_ALL) else self.involving(user)

    def involving(self, user: User) -> Self:
        """What was or is this person's to answer."""
        return self.filter(Q(assignee=user) | Q(completed_by=user) | _is_candidate(user))

    def answerable_by(self, user: User) -> Self:
        """What this person may claim and answer, as far as it is about the person."""
        if not user.is_active:
            return self.none()
        return self.filter(_is_candidate(user), ~_is_excluded(user))

    def excluding(self, user: User) -> Self:
        """What this person must not answer, though their team may."""
        return self.filter(_is_excluded(user))

    def with_exclusion_of(self, user: User) -> Self:
        """Annotates `is_excluded`: the person is in the team, and must not answer this one."""
        return self.annotate(is_excluded=_is_excluded(user))

    # ---- which -----------------------------------------------------------------------

    def my_work(self, user: User) -> Self:
        """What this person has claimed."""
        return self.filter(assignee=user)

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

    def latest_first(self) -> Self:
        return self.order_by("-closed_at", "-id")

    def before(self, last: HumanTask) -> Self:
        """What follows this task in the order of `latest_first`."""
        return self.filter(
            Q(closed_at__lt=last.closed_at) | Q(closed_at=last.closed_at, id__lt=last.id)
        )

    def for_list(self) -> Self:
        """With all that a row of open tasks shows, in the same query."""
        return self.select_related("team", "assignee").defer("schema")


def _is_candidate(user: User) -> Q:
    """Whether a task was sent to this person or one of their teams.

    Nearly always to one team, which the task's own row says; the rest is on its list of
    candidates. A name that was no group's when the task was asked matches a group of
    today: a team that is made later gets its tasks. It never matches a person.
    """
    groups = user.groups.all()
    is_me = Q(user=user) | Q(group__in=groups.values("id"))
    is_my_new_team = Q(user=None, group=None, name__in=groups.values("name"))
    lines = _lines("candidate").filter(is_me | is_my_new_team)
    return Q(team__in=groups.values("id")) | Q(Exists(lines))


def _is_excluded(user: User) -> Exists:
    return Exists(_lines("excluded").filter(user=user))


def _lines(kind: str) -> QuerySet[Any]:
    candidates = apps.get_model("humantasks", "TaskCandidate")
    return candidates._default_manager.filter(task=OuterRef("pk"), kind=kind)
