"""What a list is narrowed to. All of it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from humantasks.models import HumanTask, Priority
from humantasks.querysets import TaskQuerySet
from orchestrator.clock import Now

MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a list; an empty text filters nothing."""

    q: str = ""
    type: str = ""
    team: str = ""
    priority: str = ""
    due: str = ""
    show: str = ""
    # How a list of open tasks is ordered, which narrows nothing: "due", else by priority.
    sort: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filters:
        # PostgreSQL refuses a NUL, even to compare with.
        found = {one.name: given.get(one.name, "").replace("\x00", "") for one in fields(cls)}
        return cls(**{name: text[:MAX_TEXT] for name, text in found.items()})

    @classmethod
    def of_query(cls, query: str) -> Filters:
        return cls.of(QueryDict(query))

    @property
    def with_claimed(self) -> bool:
        return self.show == "open"

    @property
    def with_checked(self) -> bool:
        return self.show == "checked"

    @property
    def is_set(self) -> bool:
        return any(value for name, value in self._given().items() if name != "sort")

    @property
    def query(self) -> str:
        return urlencode(self._given())

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter that is set: its name, its value, and the query without it."""
        given = self._given()
        return [
            (label, words, urlencode({key: text for key, text in given.items() if key != name}))
            for name, label, words in self._named()
            if name in given
        ]

    def ordered(self, tasks: TaskQuerySet, last: HumanTask | None) -> TaskQuerySet:
        """Open tasks in the order of the list, from after `last` on."""
        if self.sort == "due":
            return (tasks.after_due(last) if last else tasks).due_first()
        return (tasks.after(last) if last else tasks).most_pressing_first()

    def narrow(self, tasks: TaskQuerySet) -> TaskQuerySet:
        found = tasks.of_type(self.type).matching(self.q)
        if self.team:
            found = found.filter(team__name=self.team)
        if self.priority in {str(one.value) for one in Priority}:
            found = found.filter(priority=int(self.priority))
        return found.filter(_dues()[self.due]) if self.due in _dues() else found

    def _given(self) -> dict[str, str]:
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: text for name, text in found.items() if text}

    def _named(self) -> list[tuple[str, str, str]]:
        priorities = {str(value): str(label) for value, label in Priority.choices}
        return [
            ("q", _("Search"), self.q),
            ("type", _("Type"), self.type),
            ("team", _("Team"), self.team),
            ("priority", _("Priority"), priorities.get(self.priority, self.priority)),
            ("due", _("Due"), dict(due_choices()).get(self.due, self.due)),
        ]


def due_choices() -> list[tuple[str, str]]:
    return [
        ("overdue", _("Overdue")),
        ("day", _("Within a day")),
        ("week", _("Within a week")),
        ("none", _("No due time")),
    ]


def _dues() -> dict[str, Q]:
    return {
        "overdue": Q(due_at__lt=Now()) & ~Q(pause_kind="info"),
        "day": Q(due_at__lt=Now(timedelta(days=1))),
        "week": Q(due_at__lt=Now(timedelta(days=7))),
        "none": Q(due_at=None),
    }
