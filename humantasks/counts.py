"""The numbers beside the names in the navigation, on every page: one query for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db.models import IntegerField, Subquery
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from humantasks.models import HumanTask
from humantasks.querysets import TaskQuerySet

# More than this is shown as "99+": nobody counts on, and the database need not either.
MAX_COUNT = 99


@dataclass(frozen=True, slots=True)
class Counts:
    """What a person can do now, as it is shown: up to 99+, and nothing for zero."""

    my_work: str
    queue: str
    check: str

    @property
    def seen(self) -> str:
        """What a page sends back to ask whether it is still so."""
        return f"{self.my_work}.{self.queue}.{self.check}"


class CappedCount(Subquery):
    """How many there are, and one more than `MAX_COUNT` for any more than that."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()

    def __init__(self, tasks: TaskQuerySet) -> None:
        super().__init__(tasks.order_by().values("pk")[: MAX_COUNT + 1])


def nav_counts(request: HttpRequest) -> dict[str, Any]:
    """A context processor. Asks only when the template shows a number."""
    return {"nav_counts": SimpleLazyObject(partial(_counts_for, request))}


def counts_of(user: User) -> Counts:
    return _ask(user)[0]


def counts_and_news(user: User, news: TaskQuerySet) -> tuple[Counts, int]:
    """The numbers, and how many of `news` there are, in the same query."""
    counts, numbers = _ask(user, news=news)
    return counts, numbers["news"]


def shown(number: int) -> str:
    """A capped number, as it is shown.

    >>> shown(0), shown(7), shown(100)
    ('', '7', '99+')
    """
    return f"{MAX_COUNT}+" if number > MAX_COUNT else str(number or "")


def _counts_for(request: HttpRequest) -> Counts:
    """A page for nobody in particular has no numbers, and asks nothing."""
    user = getattr(request, "user", None)
    return counts_of(user) if isinstance(user, User) else Counts("", "", "")


def _ask(user: User, **further: TaskQuerySet) -> tuple[Counts, dict[str, int]]:
    tasks = HumanTask.objects
    asked = {
        "my_work": tasks.my_work(user),
        "queue": tasks.free_for(user),
        "check": tasks.to_check(user),
        **further,
    }
    # The person's own row is one row, to hang the numbers on.
    me = User.objects.filter(pk=user.pk)
    found = me.values_list(*(CappedCount(some) for some in asked.values())).get()
    numbers = dict(zip(asked, found, strict=True))
    mine = ("my_work", "queue", "check")
    return Counts(**{name: shown(numbers[name]) for name in mine}), numbers
