"""Who calls: a token, or the session of a browser; and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from dashboard import access, tokens
from dashboard.access import OperatorRequest
from dashboard.api import problems
from dashboard.models import ApiToken
from orchestrator.rest import MISSING_SCOPE, Problem


@dataclass(frozen=True)
class Caller:
    """`request.auth`: the user, and the token if it is one. A session has every scope."""

    user: User
    token: ApiToken | None = None

    def require(self, scope: str) -> None:
        """Raise a problem (403) if this is a token without `scope`."""
        if self.token is None or scope in self.token.scopes:
            return
        raise Problem(
            MISSING_SCOPE,
            f"The token {self.token} does not have the scope {scope}.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            scope=scope,
        )

    @property
    def via(self) -> str:
        """The token, for the audit; "" for a session."""
        return str(self.token) if self.token else ""

    def __str__(self) -> str:
        """Whose requests count together."""
        return f"token {self.token.id}" if self.token else f"user {self.user.pk}"


class ApiRequest(OperatorRequest):
    """A request to an operation: somebody is logged in."""

    auth: Caller


@dataclass(frozen=True)
class Needs:
    """What an operation needs: a scope, and one of some permissions."""

    scope: str
    permissions: tuple[str, ...]

    def check(self, caller: Caller) -> None:
        """Raise a problem if the caller lacks it."""
        caller.require(self.scope)
        access.require(caller.user, *self.permissions)


class Token(HttpBearer):
    """`Authorization: Bearer orc_…`. Comes first: a wrong token is not saved by a cookie."""

    openapi_description = "A token that `manage.py api_token create` has printed."

    def __init__(self, needs: Needs | None = None) -> None:
        super().__init__()
        self.needs = needs

    def __call__(self, request: HttpRequest) -> Caller | None:
        # Another scheme is a proxy's.
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        if scheme.lower() != self.openapi_scheme:
            return None
        caller: Caller | None = super().__call__(request)
        if caller is None:
            raise problems.unauthenticated(is_wrong=True)
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = tokens.find(token)
        if found is None:
            return None
        request.user = found.user
        return _admit(Caller(found.user, found), self.needs)


class Session(APIKeyCookie):
    """The session of a browser. What changes something needs the token against forgery."""

    param_name = settings.SESSION_COOKIE_NAME
    openapi_description = (
        "The session of a browser that is logged in. Anything but GET needs the header "
        "X-CSRFToken as well."
    )

    def __init__(self, needs: Needs | None = None) -> None:
        super().__init__()
        self.needs = needs

    def __call__(self, request: HttpRequest) -> Caller | None:
        # A stranger is told to log in, not that a token against forgery is missing.
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise Problem(problems.NO_CSRF_TOKEN)
        return self.authenticate(request, None)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        assert isinstance(request.user, User)
        return _admit(Caller(request.user), self.needs)


def needs(scope: str, *permissions: str) -> list[Any]:
    """The `auth=` of an operation: who has the scope and one of the permissions."""
    wanted = Needs(scope, permissions)
    return [Token(wanted), Session(wanted)]


def _admit(caller: Caller, wanted: Needs | None) -> Caller:
    if wanted is not None:
        wanted.check(caller)
    return caller
