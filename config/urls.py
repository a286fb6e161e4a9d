"""Where each room is. A room that cannot be imported stops the start, by its own error."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config.api import api
from config.health import healthz, readyz
from dashboard.views.overview import home

handler400 = "config.errors.bad_request"

urlpatterns = [
    path("", home, name="home"),
    path("inbox/", include("humantasks.urls")),
    path("ops/", include("dashboard.urls")),
    path("api/v1/", api.urls),
    path("accounts/", include("config.accounts")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
]
