"""The worker processes that there are."""

from __future__ import annotations

from django.db import models


class Worker(models.Model):
    """A worker process, and what it can do. It says every few seconds that it is alive."""

    # The name under which it holds runs: `Run.worker`.
    id = models.CharField(max_length=200, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    # No index: so the row is rewritten in place each time.
    seen_at = models.DateTimeField()
    # The queues that it serves, "" for the default one; null: all of them.
    queues = models.JSONField(null=True)
    # The workflows that it has: [[name, version, fingerprint of the code], …].
    codes = models.JSONField(default=list)
    # How many runs it holds at most, and now.
    capacity = models.PositiveIntegerField()
    in_use = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.id
