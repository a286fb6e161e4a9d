"""Logging in and out, and passwords: Django's views, and what they lack for this site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.decorators import method_decorator

from humantasks import sessions
from humantasks.sessions import RefusedForm


class LoginView(sessions.LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(has_mail=settings.HAS_MAIL, **kwargs)


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
