"""What is kept of runs whose data is gone."""

from __future__ import annotations

from django.db import models


class Tombstone(models.Model):
    """What an idempotency key stands for when its run, or the run's input, is removed.

    A start that comes late finds it, and does not execute the work again.
    """

    pk = models.CompositePrimaryKey("workflow", "key")
    workflow = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    # sha256 of the input: another one under the same key is a conflict, as ever.
    input_digest = models.CharField(max_length=64)
    run_id = models.UUIDField()
    version = models.CharField(max_length=200)
    status = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    removed_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Those that have answered for long enough.
            models.Index(fields=["removed_at"], name="tombstone_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.key}"
