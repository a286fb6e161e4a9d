"""Who looks at a task. Never audited, and forgotten within the hour."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from humantasks.models.tasks import HumanTask


class TaskPresence(models.Model):
    """A person has a task's page open, and has shown so a moment ago."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="presences", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user"], name="presence_of_person"),
        ]
        indexes = [
            # What is old is removed by its age.
            models.Index(fields=["seen_at"], name="presence_age"),
        ]

    def __str__(self) -> str:
        return f"{self.user} looks at task {self.task_id}"
