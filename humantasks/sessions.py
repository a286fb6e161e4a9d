"""A session that has ended under a page: log in again on that page, and go on with what was typed.

For any project that shows these pages: `session_expired` among its middleware, `LoginView` at its
login address, `csrf_failure` as its `CSRF_FAILURE_VIEW`. Without `LoginView` the page shows a link
to the project's own login instead of a form.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import csrf
from django_htmx.http import trigger_client_event

Handler = Callable[[HttpRequest], HttpResponse]

SAFE = ("GET", "HEAD", "OPTIONS")


def session_expired(get_response: Handler) -> Handler:
    """Middleware. Answer htmx with 401 where a page would be sent to the login form.

    htmx follows a redirect, and would swap the login page into the part that it replaces.
    The event lets the page open a dialog, so that what the person has typed stays. Who sent a
    form without htmx comes back to the page that had the form.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not _leads_to_login(response):
            return response
        if not _is_part(request):
            return response if request.method in SAFE else _to_login_and_back(request)
        return HttpResponse(
            _("Your session has ended. Please log in again."),
            status=HTTPStatus.UNAUTHORIZED,
            headers={"HX-Trigger": "session-expired"},
            content_type="text/plain",
        )

    return middleware


def _to_login_and_back(request: HttpRequest) -> HttpResponse:
    """After the login a browser asks with GET, which what a form is sent to does not answer."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    back = urlunsplit(("", "", came_from.path, came_from.query, ""))
    return redirect_to_login(back if came_from.netloc == request.get_host() else "/")


def _leads_to_login(response: HttpResponse) -> bool:
    # Logging out leads there too, but not back.
    location = response.headers.get("Location", "")
    return response.status_code == HTTPStatus.FOUND and location.startswith(
        f"{resolve_url(settings.LOGIN_URL)}?next="
    )


class RefusedForm:
    """A form with a mistake is not found: 422, as everywhere."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc] # a mixin
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response


@method_decorator(login_not_required, name="dispatch")
class LoginView(RefusedForm, views.LoginView):
    """A page; and for htmx a form in a dialog, where a session has ended under a page.

    That page goes on as it is, so the answer tells it who has logged in, and the token that
    its forms need from now on.
    """

    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if _is_part(request) and request.user.is_authenticated:
            return _renewed(request)
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        is_part = _is_part(self.request)
        return ["orchestrator/_login.html" if is_part else "registration/login.html"]

    def get_initial(self) -> dict[str, Any]:
        return {"username": self.request.GET.get("username", "")}

    def get_form(self, form_class: Any = None) -> AuthenticationForm:
        """With the focus where somebody types first."""
        form = super().get_form(form_class)
        if form["username"].value():
            del form.fields["username"].widget.attrs["autofocus"]
            form.fields["password"].widget.attrs["autofocus"] = True
        return form

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        return _renewed(self.request) if _is_part(self.request) else response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page that is older than the session may get the token that it lacks, and go on."""
    if _is_part(request):
        return HttpResponse(status=HTTPStatus.FORBIDDEN, headers={"HX-Trigger": "session-expired"})
    return csrf.csrf_failure(request, reason)


def _renewed(request: HttpRequest) -> HttpResponse:
    news = {"user": str(request.user.pk), "token": get_token(request)}
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    return trigger_client_event(response, "session-renewed", news)


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers
