"""Parts of pages that ask again: what the browser has seen, and "nothing new".

A live part carries a tag in `hx-headers`; the browser sends it back as X-Seen. As long as
the tag is the same the answer is 204, and the page is left alone.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse

from dashboard.access import OperatorRequest


def wants_part(request: OperatorRequest) -> bool:
    """Whether the answer is a part of a page. Going back in the browser wants all of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def is_seen(request: OperatorRequest, tag: str) -> bool:
    """Whether this is a live part that asks again, and already shows what `tag` stands for.

    A link inside of the part sends the tag as well: htmx hands headers down.
    """
    is_poll = wants_part(request) and not request.htmx.boosted
    return is_poll and request.headers.get("X-Seen") == tag


def unchanged() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def capped(number: int, cap: int) -> str:
    """A count that stopped at `cap`.

    >>> capped(1234, 10_000), capped(10_001, 10_000)
    ('1,234', '10,000+')
    """
    return f"{cap:,}+" if number > cap else f"{number:,}"
