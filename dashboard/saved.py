"""Lists of runs that are kept: those that everybody has, and those that somebody has saved."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from dashboard.audit import Actor
from dashboard.models import SavedView
from orchestrator import operating
from orchestrator.operating import Deed

# A list of everybody's, and its query string.
BUILT_IN = (
    ("Failed in 24 h", "status=failed&ended=24h"),
    ("Needs a person", "status=human"),
    ("Waits for events", "wait=event"),
    ("Sleeping", "wait=timer"),
    ("Retrying", "status=retrying"),
    ("Blocked", "status=blocked"),
)

# Of one person.
MOST = 30


@dataclass(frozen=True)
class View:
    """A list to choose. `number` is that of the row that its reader may delete; None for others."""

    name: str
    query: str
    is_shared: bool = False
    is_default: bool = False
    number: int | None = None


def views(user: User) -> list[View]:
    """The lists that `user` may choose: everybody's, then theirs, then shared ones. One query."""
    rows = SavedView.objects.filter(Q(user=user) | Q(is_shared=True)).order_by("name", "id")
    found = [
        View(
            name=row.name,
            query=row.query,
            is_shared=row.is_shared,
            is_default=row.is_default and row.user_id == user.pk,
            number=row.pk if row.user_id == user.pk else None,
        )
        for row in rows
    ]
    built_in = [View(name, query) for name, query in BUILT_IN]
    return built_in + sorted(found, key=lambda one: one.number is None)


@transaction.atomic
def save(actor: Actor, name: str, query: str, *, is_shared: bool, is_default: bool) -> bool:
    """Keep a list, in place of the one of this name. False if there are too many already."""
    own = SavedView.objects.filter(user=actor.user)
    if not own.filter(name=name).exists() and own.count() >= MOST:
        return False
    if is_default:
        own.update(is_default=False)
    kept = {"query": query, "is_shared": is_shared, "is_default": is_default}
    SavedView.objects.update_or_create(user=actor.user, name=name, defaults=kept)
    if is_shared:
        # Others see it from now on.
        operating.tell(Deed(operator=actor, verb="share view", detail=f"{name}: {query}"))
    return True


def delete(user: User, number: int) -> bool:
    """Forget a list of one's own. False if there is none."""
    return bool(SavedView.objects.filter(user=user, pk=number).delete()[0])
