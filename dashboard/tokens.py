"""Tokens of the REST API: made once, recognised by their digest, never shown again."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone

from dashboard.models import ApiToken
from orchestrator.core.durations import Duration, later

# What a token may be given, and what it lets through. It never does more than its user may.
SCOPES = {
    "workflows:read": "see the catalogue of workflows",
    "runs:read": "see runs",
    "runs:write": "start runs and act on them",
    "events:write": "send events",
    "schedules:read": "see schedules",
    "schedules:write": "make and change schedules, and act on them",
    "tasks:read": "see human tasks",
    "tasks:write": "claim, release and complete human tasks",
}

_SEEN_EVERY = timedelta(minutes=1)
_SHAPE = re.compile(r"orc_([0-9a-f]{12})_[0-9A-Za-z_-]{43}")


def create(
    user: User, *, name: str, scopes: Iterable[str], expires: Duration
) -> tuple[ApiToken, str]:
    """Make a token of `user`. Returns it with its secret, which nobody can ask for again.

    Raises ValueError for a user who may not log in, an unknown scope, no scope, a name
    that is empty or too long, and a duration that is none.
    """
    wanted = sorted(set(scopes))
    _check(user, name, wanted)
    expires_at = later(timezone.now(), expires)
    prefix = secrets.token_hex(6)
    secret = f"orc_{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=wanted,
        expires_at=expires_at,
    )
    return token, secret


def find(secret: str) -> ApiToken | None:
    """The token of a secret, with its user; None if it is none, is over or was revoked."""
    shape = _SHAPE.fullmatch(secret)
    if shape is None:
        return None
    token = _alive().filter(prefix=shape[1]).select_related("user").first()
    if token is None or not hmac.compare_digest(token.digest, _digest(secret)):
        return None
    _seen(token)
    return token


def revoke(prefix: str) -> ApiToken | None:
    """Let a token be of no more use. None if there is none with this prefix."""
    ApiToken.objects.filter(prefix=prefix, revoked_at=None).update(revoked_at=timezone.now())
    return ApiToken.objects.filter(prefix=prefix).select_related("user").first()


def of(user: User | None, *, is_alive: bool) -> list[ApiToken]:
    """The tokens of a user, or of all; those of use alone, or all."""
    found = _alive() if is_alive else ApiToken.objects.all()
    if user is not None:
        found = found.filter(user=user)
    return list(found.select_related("user").order_by("id"))


def state(token: ApiToken, now: datetime) -> str:
    """In a word, whether it is of use."""
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "active" if token.user.is_active else "user inactive"


def _alive() -> QuerySet[ApiToken]:
    is_alive = Q(revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)
    return ApiToken.objects.filter(is_alive)


def _seen(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < _SEEN_EVERY:
        return
    # Not worth an error when the database is busy.
    with suppress(OperationalError):
        ApiToken.objects.filter(id=token.id).update(last_used_at=now)


def _check(user: User, name: str, scopes: list[str]) -> None:
    if not user.is_active:
        raise ValueError(f"{user.get_username()} may not log in (is not active)")
    if not 0 < len(name) <= 100 or not name.isprintable():  # noqa: PLR2004 - the column's width
        raise ValueError(f"a name has 1 to 100 printable characters, not {name!r}")
    unknown = [one for one in scopes if one not in SCOPES]
    if unknown or not scopes:
        what = f"no scope is called {', '.join(unknown)}" if unknown else "a token needs a scope"
        raise ValueError(f"{what}. There are: {', '.join(SCOPES)}")


def _digest(secret: str) -> str:
    # 256 random bits: nothing to guess, so nothing to slow down.
    return hashlib.sha256(secret.encode()).hexdigest()
