"""Start-up: tell the engine what becomes of its human-task waits."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from humantasks.asking import KIND
from orchestrator import waits


class HumantasksConfig(AppConfig):
    name = "humantasks"
    verbose_name = _("Human tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from humantasks import checks, inbox, testing  # noqa: F401, PLC0415 - they need the models

        waits.register(
            waits.WaitKind(KIND, inbox.open_task, inbox.close_tasks, testing, inbox.tend)
        )
