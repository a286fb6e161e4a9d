"""Schedules: runs that the clock starts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orchestrator.core.ids import uuid7
from orchestrator.core.timing import MAX_CRON, MAX_TZ, Timing


class Overlap(models.TextChoices):
    """What becomes of a time while a run of the schedule is in progress."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


class CatchUp(models.TextChoices):
    """Which times are made up for that came while no worker was there."""

    ONE = "one"
    ALL = "all"
    NONE = "none"


class Source(models.TextChoices):
    """Where the definition of a schedule is."""

    CODE = "code"
    OPERATOR = "operator"


class Schedule(models.Model):
    """When runs of a workflow are started, and with what. Never deleted while it has runs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200, unique=True)
    source = models.CharField(max_length=10, choices=Source)
    # Where its workflow is defined. A process that does not have that app leaves it alone.
    module = models.CharField(max_length=255, default="")

    workflow = models.CharField(max_length=200)
    input = models.TextField()
    # One of the two: `cron` is "" for a schedule that has an interval.
    cron = models.CharField(max_length=MAX_CRON, default="")
    every = models.DurationField(null=True)
    tz = models.CharField(max_length=MAX_TZ, default="UTC")
    overlap = models.CharField(max_length=10, choices=Overlap)
    catch_up = models.CharField(max_length=10, choices=CatchUp)

    # The next time; and when a worker should look: then, or later if the last look failed,
    # or null while it is paused or has ended.
    next_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    # The last time that was decided. Earlier ones never come again.
    last_at = models.DateTimeField(null=True)
    # Counts the changes. Who decides what becomes of a time names the number it has read.
    rev = models.BigIntegerField(default=0)

    # Times that started a run, that found one unfinished, that came while nobody looked.
    started = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    missed = models.PositiveBigIntegerField(default=0)
    # Why the run that is due could not be started; "" when all is well.
    error = models.TextField(default="")

    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=255, default="")
    pause_reason = models.CharField(max_length=255, default="")
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cron="", every__isnull=False) | (~Q(cron="") & Q(every__isnull=True)),
                name="schedule_has_one_timing",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(paused_at__isnull=True, ended_at__isnull=True),
                name="schedule_at_rest_is_not_due",
            ),
        ]
        indexes = [
            # The sweep: what comes next.
            models.Index(fields=["due_at"], name="schedule_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def timing(self) -> Timing:
        return Timing(cron=self.cron, every=self.every, tz=self.tz)

    @property
    def state(self) -> str:
        """`active`, `paused` or `ended`."""
        if self.ended_at is not None:
            return "ended"
        return "active" if self.paused_at is None else "paused"
