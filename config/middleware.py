"""What every page gets around it: who may keep a copy, and when a session ends."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers

Handler = Callable[[HttpRequest], HttpResponse]

SEEN_AT = "seen_at"
# Seconds. A session is written once a minute at most, not with each click.
SEEN_PRECISION = 60


def permissions_policy(get_response: Handler) -> Handler:
    """No page of ours uses these; so no injected content may."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        return response

    return middleware


def no_store(get_response: Handler) -> Handler:
    """Keep what a signed-in person sees out of caches, and parts of pages apart from pages."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated:
            patch_cache_control(response, no_store=True, private=True)
            patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def idle_logout(get_response: Handler) -> Handler:
    """End a session in which nothing was done for `SESSION_IDLE_SECONDS`.

    A page that is left open polls for ever, so htmx GETs do not count as doing something,
    nor does a POST that says of itself that it is a poll.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            _end_or_extend(request)
        return get_response(request)

    return middleware


def _end_or_extend(request: HttpRequest) -> None:
    now = int(timezone.now().timestamp())
    seen_at = request.session.get(SEEN_AT)
    if seen_at is not None and now - seen_at > settings.SESSION_IDLE_SECONDS:
        logout(request)
    elif seen_at is None or (now - seen_at > SEEN_PRECISION and _is_activity(request)):
        request.session[SEEN_AT] = now


def _is_activity(request: HttpRequest) -> bool:
    if request.headers.get("X-Poll") == "1":
        return False
    return request.method != "GET" or "HX-Request" not in request.headers
