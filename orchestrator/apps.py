"""Start-up: import every app's `workflows.py`, and connect Celery."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class OrchestratorConfig(AppConfig):
    name = "orchestrator"
    verbose_name = "Orchestrator"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from orchestrator import checks, hints, tasks  # noqa: F401, PLC0415 - they need the apps
        from orchestrator.engine import effects  # noqa: PLC0415
        from orchestrator.schedules import syncing  # noqa: PLC0415

        effects.register()
        autodiscover_modules("workflows")
        post_migrate.connect(syncing.after_migrate, sender=self)
        hints.start(tasks.publish)
        tasks.connect()
