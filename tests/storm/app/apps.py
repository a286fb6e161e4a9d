from __future__ import annotations

from django.apps import AppConfig


class StormConfig(AppConfig):
    name = "tests.storm.app"
    label = "storm"
    default_auto_field = "django.db.models.BigAutoField"
