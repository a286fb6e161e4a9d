from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("inbox/", include("humantasks.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
]
