"""Seats: who checks what was proposed, and who votes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from humantasks.models.tasks import HumanTask


class TaskSeat(models.Model):
    """A place for one person in a round of a task that is in review."""

    class Role(models.TextChoices):
        CHECKER = "checker"
        VOTER = "voter"

    class Status(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        # Its person has approved, returned or voted.
        DONE = "done"
        # The round ended without it.
        CLOSED = "closed"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="seats", db_index=False
    )
    round = models.PositiveIntegerField()
    role = models.CharField(max_length=16, choices=Role)
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    taken_at = models.DateTimeField(null=True)
    # As of a claim: how long it lasts without a sign of its person.
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # One person has one voice. Also the index with which a task finds its seats.
            models.UniqueConstraint(fields=["task", "round", "user"], name="seat_of_person"),
            models.CheckConstraint(
                condition=Q(status__in=["taken", "done"], user__isnull=False)
                | Q(status__in=["open", "closed"], user__isnull=True),
                name="seat_has_its_person",
            ),
        ]
        indexes = [
            # What a person is to check or to vote on.
            models.Index(fields=["user"], name="seat_taken", condition=Q(status="taken")),
            models.Index(
                fields=["expires_at"],
                name="seat_lease",
                condition=Q(status="taken", expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of task {self.task_id}"
