"""Logging in and out, and passwords: Django's views, and what they lack for us."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import csrf
from django_htmx.http import trigger_client_event


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
        return [f"registration/{'_' if _is_part(self.request) else ''}login.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(has_mail=settings.HAS_MAIL, **kwargs)

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


class LogoutView(views.LogoutView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        # The next person at this browser finds nothing by going back.
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response


class PasswordChangeView(RefusedForm, views.PasswordChangeView):
    """This browser stays logged in; all others are logged out."""


@method_decorator(login_not_required, name="dispatch")
class PasswordResetView(RefusedForm, views.PasswordResetView):
    """Asks for a link by mail; where no mail is sent there is no such page."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.HAS_MAIL:
            raise Http404("No mail is sent from here; an administrator can set a password.")
        return super().dispatch(request, *args, **kwargs)


class PasswordResetConfirmView(RefusedForm, views.PasswordResetConfirmView):
    """The page behind the link."""


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


urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("reset/", PasswordResetView.as_view(), name="password_reset"),
    path("reset/sent/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "reset/<uidb64>/<token>/",
        PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]
