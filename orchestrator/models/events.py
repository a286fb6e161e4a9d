"""Events: those of one run, and those to no run in particular."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orchestrator.models.runs import Run

# The events that tell a run of its steps that other workers execute. They are none of its
# author's, and gone when it has heard them.
REPORT = "@step "


class Event(models.Model):
    """A named fact sent to a run. It stays until a wait of the run consumes it."""

    # The sender holds the run's row when it inserts, so ids of one run are in the order
    # of commits.
    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="mail", db_index=False)
    name = models.CharField(max_length=250)
    correlation = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is "no key"
    payload = models.TextField()
    event_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is "not given"
    sent_by = models.CharField(max_length=255, default="")
    created_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)
    consumed_by = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is "nobody"

    class Meta:
        constraints = [
            # The same event sent twice to a run is stored once.
            models.UniqueConstraint(fields=["run", "event_id"], name="event_of_run_once"),
        ]
        indexes = [
            # The mailbox of a run: what no wait has consumed, in order.
            models.Index(
                fields=["run", "id"], name="event_mailbox", condition=Q(consumed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Broadcast(models.Model):
    """An event that was sent to no run in particular, kept for those that wait later."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=250)
    correlation = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is "no key"
    payload = models.TextField()
    event_id = models.CharField(max_length=255, null=True, unique=True)  # noqa: DJ001
    sent_by = models.CharField(max_length=255, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            # What a wait that opens may take: events of its name that are still kept.
            models.Index(fields=["name", "expires_at"], name="broadcast_kept"),
        ]

    def __str__(self) -> str:
        return self.name
