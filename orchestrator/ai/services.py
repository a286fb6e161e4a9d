"""What the adapters of services share: what their errors mean, and what those may not tell."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.utils import timezone

from orchestrator.ai.errors import AiError, ModelBusy, ModelRefused, ModelUnavailable

HIDDEN = "[hidden]"
_TOO_MANY, _SERVER_ERROR = 429, 500
# Worth another attempt: time-out, conflict, too early.
_PASSING = (408, 409, 425)
# What has such a name, a header or a variable of the environment, has a value that is
# nobody's business.
_SECRET = re.compile("key|token|secret|auth|password", re.IGNORECASE)
# A shorter value would be found in ordinary words.
_SHORTEST_SECRET = 4


def secrets_in(named: Mapping[str, str]) -> list[str]:
    """The values that their names call secret, the longest first."""
    values = [value.strip() for name, value in named.items() if _SECRET.search(name)]
    # Of `Bearer …` also what follows.
    found = {part for value in values for part in (value, value.rpartition(" ")[2])}
    return sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)


def without(secrets: Iterable[str], text: str) -> str:
    """What goes into an error: a service may repeat the key that it does not know."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def error_of(status: int, told: str, retry_after: str | None) -> AiError:
    """What a status other than 200 means: whether, and when, another attempt may help."""
    waiting = _wait_of(retry_after)
    if status == _TOO_MANY or (status >= _SERVER_ERROR and waiting is not None):
        return ModelBusy(told, waiting)
    if status >= _SERVER_ERROR or status in _PASSING:
        return ModelUnavailable(told)
    return ModelRefused(told)


def _wait_of(value: str | None) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); None when it says neither."""
    if value is None:
        return None
    try:
        return max(timedelta(seconds=float(value)), timedelta(0))
    except (ValueError, OverflowError):
        pass
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(at - timezone.now(), timedelta(0)) if at.tzinfo else None
