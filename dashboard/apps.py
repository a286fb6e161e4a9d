"""The dashboard as a Django app: it keeps the audit of what operators do."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dashboard import audit, bulk, checks  # noqa: F401, PLC0415 - they need models
        from orchestrator import chores, operating  # noqa: PLC0415

        operating.register(audit.witness)
        chores.register("bulk operations", bulk.work)
