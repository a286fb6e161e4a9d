"""Runs: where each one is, who holds it, when to look at it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Left, Right

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


# What an attribute or a tag may have to be searched for.
MAX_LABEL_KEY = 100
MAX_LABEL = 255

# A run with more entries is long: see `Entry`.
LONG_RUN = 500

FINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
# The others, for conditions that an index must recognise.
UNFINISHED = tuple(status for status in Status if status not in FINAL)


class Run(models.Model):
    """One execution of one version of a workflow."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The end of it, by which people call a run: the beginning is the time, and all alike.
    short_id = models.GeneratedField(
        expression=Right(Cast("id", models.CharField(max_length=36)), 8),
        output_field=models.CharField(max_length=8),
        db_persist=True,
    )
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
    # What lists look for in it. The database keeps these, so no write can forget them.
    error_type = models.GeneratedField(
        expression=Left(KT("error__type"), 200),
        output_field=models.CharField(max_length=200, null=True),
        db_persist=True,
    )
    error_signature = models.GeneratedField(
        expression=Left(KT("error__signature"), 40),
        output_field=models.CharField(max_length=40, null=True),
        db_persist=True,
    )
    # What a waiting run waits for, written when it parks, so that lists need one query.
    waiting_on = models.JSONField(default=list)
    waiting_since = models.DateTimeField(null=True)
    # The kind of its first wait: what a person can do something about comes first.
    waiting_kind = models.GeneratedField(
        expression=Left(KT("waiting_on__0__kind"), 40),
        output_field=models.CharField(max_length=40, null=True),
        db_persist=True,
    )
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
            # A start with a known key finds the run that has it; so does a search for the key.
            models.UniqueConstraint(
                fields=["idempotency_key", "workflow"], name="run_idempotency_key"
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
            models.Index(fields=["workflow", "version", "-id"], name="run_by_version"),
            # The runs list by what people call a run, by what it waits for, by what it died of.
            models.Index(fields=["short_id"], name="run_by_short_id"),
            models.Index(
                fields=["waiting_kind", "-id"],
                name="run_by_wait",
                condition=Q(waiting_kind__isnull=False),
            ),
            models.Index(
                fields=["error_signature", "-id"],
                name="run_by_error",
                condition=Q(error_signature__isnull=False),
            ),
            models.Index(
                fields=["error_type", "-id"],
                name="run_by_error_type",
                condition=Q(error_type__isnull=False),
            ),
            # What has ended lately.
            models.Index(
                fields=["finished_at"],
                name="run_by_end",
                condition=Q(finished_at__isnull=False),
            ),
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
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="attribute_rows", db_index=False
    )
    key = models.CharField(max_length=MAX_LABEL_KEY)
    value = models.CharField(max_length=MAX_LABEL)

    class Meta:
        indexes = [
            # Runs with an attribute, newest first.
            models.Index(fields=["key", "value", "-run"], name="run_by_attribute"),
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class RunTag(models.Model):
    """A tag of a run that is a single value, as text."""

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="tag_rows", db_index=False)
    key = models.CharField(max_length=MAX_LABEL_KEY)
    value = models.CharField(max_length=MAX_LABEL)

    class Meta:
        indexes = [
            # Runs with a tag, newest first.
            models.Index(fields=["key", "value", "-run"], name="run_by_tag"),
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


def tag_texts(tags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The tags that can be searched for: single values of moderate length."""
    for key, value in tags.items():
        if isinstance(value, str | int | float):
            text = attribute_text(value)
            if len(key) <= MAX_LABEL_KEY and len(text) <= MAX_LABEL:
                yield key, text


def initiator_label(initiator: Any) -> str | None:
    """How `start(initiator=…)` is stored: a user's name, or the text itself."""
    if initiator is None:
        return None
    get_username = getattr(initiator, "get_username", None)
    label = get_username() if callable(get_username) else str(initiator)
    return clean(label)[:255] or None
