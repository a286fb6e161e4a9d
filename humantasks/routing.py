"""Whom a task goes to. Plain data; importing it needs no configured Django."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

USER = "user:"


class Exclusion(StrEnum):
    """Who must not answer, whoever that is by then."""

    REQUESTER = "@requester"
    DECIDERS = "@deciders"


# The person who started the run.
REQUESTER = Exclusion.REQUESTER
# Whoever has decided another task of the same run.
DECIDERS = Exclusion.DECIDERS


class Pool:
    """Anybody of these teams or people, who claim it themselves.

        routing = Pool("compliance-team", exclude=[DECIDERS])

    A name is that of a group, else of a user; `group:` and `user:` in front say which.
    `exclude` takes REQUESTER, DECIDERS and user names. Raises ValueError for what is none.
    """

    def __init__(self, *names: str, exclude: Sequence[Exclusion | str] = ()) -> None:
        self.names = checked_names(names)
        self.exclude = [_excluded(one) for one in exclude]


class Direct(Pool):
    """One person, who has the task at once: `routing = Direct("ruth")`."""

    def __init__(self, user: str, *, exclude: Sequence[Exclusion | str] = ()) -> None:
        super().__init__(USER + user.removeprefix(USER), exclude=exclude)


AssignTo = str | Sequence[str] | Pool


def pool_of(assign_to: AssignTo) -> Pool:
    """What `assign_to=` or a type's `routing` means."""
    if isinstance(assign_to, Pool):
        return assign_to
    return Pool(*([assign_to] if isinstance(assign_to, str) else assign_to))


def checked_names(names: Sequence[object]) -> list[str]:
    if not names or not all(isinstance(one, str) and one for one in names):
        raise ValueError(f"assign_to is the name of a team or a person, or several: {names!r}")
    return [str(one) for one in names]


def _excluded(one: Exclusion | str) -> str:
    if isinstance(one, Exclusion):
        return str(one)
    if not one.removeprefix(USER):
        raise ValueError(f"exclude takes REQUESTER, DECIDERS and user names, not {one!r}")
    return USER + one.removeprefix(USER)
