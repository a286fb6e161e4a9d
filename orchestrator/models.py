"""The engine's tables. `orchestrator.store` is their only writer.

Payloads are text made by the codec, not JSON columns: exact, in the order of the author,
the same on every database, and never searched.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q

from orchestrator.core.ids import uuid7


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
    # Steps that have been executing for a while: [{key, attempt, started_at}].
    in_flight = models.JSONField(default=list)
    progress = models.FloatField(null=True)
    progress_text = models.CharField(max_length=200, default="")
    # Lines of the body's logger that are stored: a replay does not store them again.
    logged = models.PositiveIntegerField(default=0)
    # Whether no further step may start. The run parks when those in flight have ended.
    pause_requested = models.BooleanField(default=False)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_reason = models.TextField(default="")

    worker = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

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
            # The sweep and the claim: due runs, oldest first.
            models.Index(fields=["due_at"], name="run_due", condition=Q(due_at__isnull=False)),
            # The runs list by status, and by workflow, newest first.
            models.Index(fields=["status", "-id"], name="run_by_status"),
            models.Index(fields=["workflow", "status", "-id"], name="run_by_workflow"),
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
    worker = models.CharField(max_length=200, default="")

    class Meta:
        indexes = [
            # The attempts of a step on the run page.
            models.Index(fields=["run", "key"], name="attempt_of_step"),
        ]

    def __str__(self) -> str:
        return f"{self.key} attempt {self.number}"


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

    def __str__(self) -> str:
        return self.key


class Permit(models.Model):
    """A place among the runs that may be in progress at once. Held from first claim to end."""

    pk = models.CompositePrimaryKey("key", "slot")
    key = models.CharField(max_length=455)
    slot = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="permit")

    def __str__(self) -> str:
        return f"{self.key}[{self.slot}]"


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
    return label[:255] or None
