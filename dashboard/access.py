"""Who may see and do what. Every view of the dashboard names the permission that it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")

VIEW = "orchestrator.view_run"
OPERATE = "orchestrator.operate_run"
START = "orchestrator.start_run"
PAYLOAD = "orchestrator.view_payload"
AUDIT = "dashboard.view_operatoraction"
BULK = "dashboard.bulk_operate"
SHARE = "dashboard.share_view"

# Whoever may act on runs may see them.
SEES_RUNS = (VIEW, OPERATE)

_WORDS = {
    VIEW: "see runs",
    OPERATE: "act on runs",
    START: "start runs",
    PAYLOAD: "see inputs, results and errors of runs",
    BULK: "act on many runs at once",
    SHARE: "share saved lists of runs",
}


class OperatorRequest(HttpRequest):
    """A request behind the login, as the middleware leaves it."""

    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[OperatorRequest, P], HttpResponse]


def permitted(*permissions: str) -> Callable[[View[P]], View[P]]:
    """Let in who has one of these permissions. Others get 403, before anything is read.

    Strangers are sent to the login page, also where no middleware does that for every page.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def checked(request: OperatorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            require(request.user, *permissions)
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate


def require(user: User, *permissions: str) -> None:
    """Raise PermissionDenied for who has none of these permissions, and name the first."""
    if not any(user.has_perm(one) for one in permissions):
        raise PermissionDenied(
            f"This needs the permission to {_WORDS[permissions[0]]} ({permissions[0]}). "
            "An administrator can grant it."
        )


def sees_runs(user: User) -> bool:
    return any(user.has_perm(one) for one in SEES_RUNS)


def sees_payloads(user: User) -> bool:
    return user.has_perm(PAYLOAD)
