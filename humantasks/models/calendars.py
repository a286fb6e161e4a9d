"""When people work, and what happens when it takes too long."""

from __future__ import annotations

from functools import cached_property

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from humantasks.models.tasks import HumanTask
from humantasks.working import Hours, hours_of


def office_hours() -> dict[str, list[list[str]]]:
    return {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


class WorkCalendar(models.Model):
    """Working hours and holidays. Types of tasks name it."""

    name = models.CharField(max_length=50, unique=True)
    zone = models.CharField(max_length=64, default="UTC", help_text="Such as Europe/Berlin")
    hours = models.JSONField(
        default=office_hours,
        help_text='By day: {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], …}',
    )
    holidays = models.JSONField(
        default=list, blank=True, help_text='Days without work: ["2026-05-01", …]'
    )

    class Meta:
        verbose_name = "working calendar"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            hours_of(self.zone, self.hours, self.holidays)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    @cached_property
    def counted(self) -> Hours:
        """Ready to count with. Raises ValueError for what was never cleaned."""
        return hours_of(self.zone, self.hours, self.holidays)


class TaskTimer(models.Model):
    """What is to happen to a task at a time, once."""

    class Kind(models.TextChoices):
        ESCALATE = "escalate"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="timers", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind)
    n = models.PositiveSmallIntegerField()
    # So long after the task is due; the team that gets it then.
    after = models.CharField(max_length=50)
    team = models.CharField(max_length=150)
    # Null: the task is not due at all.
    fires_at = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "kind", "n"], name="timer_once"),
        ]
        indexes = [
            models.Index(
                fields=["fires_at"],
                name="timer_fires",
                condition=Q(fired_at__isnull=True, fires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.n} of task {self.task_id}"
