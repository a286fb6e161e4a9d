"""What a run has asked for, what came of it, and what it logged."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orchestrator.models.runs import LONG_RUN, Run


class Entry(models.Model):
    """One entry of a run's journal: what was asked for, and its outcome."""

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="entries", db_index=False
    )  # the primary key begins with it
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    position = models.PositiveIntegerField()
    cause = models.PositiveIntegerField()
    # The place of the outcome in the run; null while there is none.
    seq = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=16)
    attempt = models.PositiveIntegerField(default=0)
    value = models.TextField(null=True)  # noqa: DJ001 - null is "no value", "" is no JSON
    error = models.JSONField(null=True)
    detail = models.JSONField(null=True)
    due_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            # Whom a broadcast wakes: the open waits for events of its name.
            models.Index(
                fields=["name"],
                name="entry_open_event",
                condition=Q(kind="event", status="open"),
            ),
            # What a long run has done since its checkpoint. A short one is read whole.
            models.Index(
                fields=["run", "position"],
                name="entry_of_long_run",
                condition=Q(position__gt=LONG_RUN),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Attempt(models.Model):
    """A failed attempt of a step. Never changed; the last, good one is in the entry."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    key = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    error = models.JSONField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    # What it has told with its heartbeats.
    details = models.JSONField(null=True)
    worker = models.CharField(max_length=200, default="")

    class Meta:
        indexes = [
            # The attempts of a step on the run page.
            models.Index(fields=["run", "key"], name="attempt_of_step"),
        ]

    def __str__(self) -> str:
        return f"{self.key} attempt {self.number}"


class LogLine(models.Model):
    """A line that the run's logger, or a step's, has written."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log", db_index=False)
    # The step and its attempt; "" and 0 for the body.
    key = models.CharField(max_length=200, default="")
    attempt = models.PositiveIntegerField(default=0)
    level = models.CharField(max_length=10)
    message = models.TextField()
    fields = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # The log of a run, in order.
            models.Index(fields=["run", "id"], name="log_of_run"),
        ]

    def __str__(self) -> str:
        return self.message


class StepKey(models.Model):
    """The first result that was recorded for a step's explicit idempotency key."""

    pk = models.CompositePrimaryKey("workflow", "key")
    workflow = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    value = models.TextField()
    run_id = models.UUIDField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Those that are old enough to be forgotten.
            models.Index(fields=["created_at"], name="stepkey_by_age"),
        ]

    def __str__(self) -> str:
        return self.key
