"""Runs: where each one is, who holds it, when to look at it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q

from orchestrator.core.failures import clean
from orchestrator.core.ids import uuid7
from orchestrator.models.schedules import Schedule


class Status(models.TextChoices):
    """Where a run is. The last three are final."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    AWAITING_RETRY = "awaiting_retry"
    PAUSED = "paused"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# A run with more entries is long: see `Entry`.
LONG_RUN = 500

FINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
# The others, for conditions that an index must recognise.
UNFINISHED = tuple(status for status in Status if status not in FINAL)


class Run(models.Model):
    """One execution of one version of a workflow."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=200)
    version = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status)

    # Counts the claims. Every write of a tick names the number it got, so a worker that
    # was thought dead cannot write over the one that took the run from it.
    epoch = models.BigIntegerField(default=0)
    owned = models.BooleanField(default=False)
    # When a worker should look: now (ready), the end of the lease (owned), the next timer
    # (waiting), or null: only an event, a cancel or an operator can wake it.
    due_at = models.DateTimeField(null=True)
    # Counts the reasons to look again. A tick that parks compares it with what it was at
    # the claim, so what arrives in between is not slept over.
    wake_seq = models.BigIntegerField(default=0)
    # Claims in a row whose owner died before it recorded anything.
    crashes = models.PositiveIntegerField(default=0)
    # Outcomes recorded so far, and changes of any kind (pages compare it).
    seq = models.PositiveIntegerField(default=0)
    rev = models.BigIntegerField(default=0)

    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is "no key"
    # The Celery queue whose workers take it; "" for the default one.
    queue = models.CharField(max_length=100, default="")
    # Higher first, among runs that are due.
    priority = models.SmallIntegerField(default=0)
    # Of the workflow's `concurrency_key`: runs with the same text share its permits.
    concurrency_key = models.CharField(max_length=455, default="")
    initiator = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is "nobody"
    tags = models.JSONField(default=dict)
    # A copy of the rows of `RunAttribute`, for reading.
    attributes = models.JSONField(default=dict)
    attempt = models.PositiveIntegerField(default=1)
    # Counts the times that the run began again from the top: with it, its steps have new
    # idempotency keys.
    generation = models.PositiveIntegerField(default=1)

    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="children"
    )
    # The wait of the parent that this run answers when it ends; "" for none.
    parent_key = models.CharField(max_length=200, default="")
    on_parent_cancel = models.CharField(max_length=10, default="cancel")
    forked_from = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="forks"
    )
    # The schedule that started it, and the time for which it did, not the moment at which
    # a worker came to it. A fork keeps the time alone.
    schedule = models.ForeignKey(
        Schedule, null=True, on_delete=models.SET_NULL, related_name="runs", db_index=False
    )
    scheduled_at = models.DateTimeField(null=True)

    # Of a state machine: the states in which it is, as `Machine.state` shows them.
    state = models.CharField(max_length=255, default="")
    # Where its replay begins: see `orchestrator.core.checkpoints`.
    checkpoint = models.TextField(null=True)  # noqa: DJ001 - null is "at the top"
    input = models.TextField()
    output = models.TextField(null=True)  # noqa: DJ001 - null is "none yet"
    error = models.JSONField(null=True)
    # What a waiting run waits for, written when it parks, so that lists need one query.
    waiting_on = models.JSONField(default=list)
    waiting_since = models.DateTimeField(null=True)
    # Steps that have been executing for a while: [{key, attempt, started_at, details}].
    in_flight = models.JSONField(default=list)
    progress = models.FloatField(null=True)
    progress_text = models.CharField(max_length=200, default="")
    # Lines of the body's logger that are stored: a replay does not store them again.
    logged = models.PositiveIntegerField(default=0)
    # Whether no further step may start. The run parks when those in flight have ended.
    pause_requested = models.BooleanField(default=False)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_reason = models.TextField(default="")

    # When it was started, if its workflow has a `start_rate`: by these, starts are counted.
    rated_at = models.DateTimeField(null=True)

    worker = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Whether its input, results and messages were removed and only its course is left.
    is_purged = models.BooleanField(default=False)

    class Meta:
        permissions = [
            ("operate_run", "Can cancel and retry runs"),
            ("view_payload", "Can see inputs, results and errors of runs"),
            ("start_run", "Can start runs"),
        ]
        constraints = [
            # A start with a known key finds the run that has it.
            models.UniqueConstraint(
                fields=["workflow", "idempotency_key"], name="run_idempotency_key"
            ),
            # What has ended, is paused or is blocked is never claimed.
            models.CheckConstraint(
                condition=Q(due_at__isnull=True)
                | ~Q(status__in=[*FINAL, Status.PAUSED, Status.BLOCKED]),
                name="run_at_rest_is_not_due",
            ),
        ]
        indexes = [
            # What has been due for longest, of all runs.
            models.Index(fields=["due_at"], name="run_due", condition=Q(due_at__isnull=False)),
            # The claim: due runs of a queue by priority, oldest first.
            models.Index(
                fields=["queue", "priority", "due_at"],
                name="run_claim",
                condition=Q(due_at__isnull=False),
            ),
            # The runs list by status, and by workflow, newest first.
            models.Index(fields=["status", "-id"], name="run_by_status"),
            models.Index(fields=["workflow", "status", "-id"], name="run_by_workflow"),
            # The last starts of a workflow that has a `start_rate`.
            models.Index(
                fields=["workflow", "rated_at"],
                name="run_rated",
                condition=Q(rated_at__isnull=False),
            ),
            # What has ended long enough ago to be removed, or to lose its payloads.
            models.Index(
                fields=["workflow", "is_purged", "finished_at"],
                name="run_ended",
                condition=Q(finished_at__isnull=False),
            ),
            # The history of a schedule, newest first; those of its runs that have not ended,
            # and those of them that wait in line.
            models.Index(
                fields=["schedule", "-scheduled_at"],
                name="run_of_schedule",
                condition=Q(schedule__isnull=False),
            ),
            models.Index(
                fields=["schedule"],
                name="run_of_schedule_unfinished",
                condition=Q(schedule__isnull=False, status__in=UNFINISHED),
            ),
            models.Index(
                fields=["schedule", "scheduled_at"],
                name="run_in_line",
                condition=Q(schedule__isnull=False, status=Status.SCHEDULED, due_at__isnull=True),
            ),
            # The machines in a state, newest first.
            models.Index(
                fields=["workflow", "state", "-id"],
                name="run_by_state",
                condition=~Q(state=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def elapsed(self) -> timedelta | None:
        """From the first claim to the end; None while either is missing."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, timedelta(0))


class RunAttribute(models.Model):
    """A search attribute of a run, as text."""

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=100)
    value = models.CharField(max_length=255)

    class Meta:
        indexes = [
            # Runs with an attribute, newest first.
            models.Index(fields=["key", "value", "-run"], name="run_by_attribute"),
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Permit(models.Model):
    """A place among the runs that may be in progress at once. Held from first claim to end."""

    pk = models.CompositePrimaryKey("key", "slot")
    key = models.CharField(max_length=455)
    slot = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="permit")

    def __str__(self) -> str:
        return f"{self.key}[{self.slot}]"


def is_paused_or_blocked() -> Q:
    """Runs that only an operator lets go on."""
    return Q(pause_requested=True) | Q(status=Status.BLOCKED)


def attribute_text(value: object) -> str:
    """An attribute as it is stored and searched: `true`, `12`, `DE`."""
    return value if isinstance(value, str) else json.dumps(value)


def initiator_label(initiator: Any) -> str | None:
    """How `start(initiator=…)` is stored: a user's name, or the text itself."""
    if initiator is None:
        return None
    get_username = getattr(initiator, "get_username", None)
    label = get_username() if callable(get_username) else str(initiator)
    return clean(label)[:255] or None
