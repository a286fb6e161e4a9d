"""What belongs to a task: the data that is judged, and who may judge it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from humantasks.models.tasks import HumanTask


class TaskPayload(models.Model):
    """What a task shows as evidence. Apart from the task, so that it can be purged alone."""

    task = models.OneToOneField(
        HumanTask, on_delete=models.CASCADE, primary_key=True, related_name="payload"
    )
    data = models.TextField()
    # What stands in the form at first, as JSON; empty for nothing.
    initial = models.TextField(default="")
    # When it was removed, long after the task ended.
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"data of task {self.task_id}"


class TaskCandidate(models.Model):
    """Who may answer a task, or may not: a person, or the members of a group."""

    class Kind(models.TextChoices):
        CANDIDATE = "candidate"
        # Who may check what somebody has proposed.
        CHECKER = "checker"
        EXCLUDED = "excluded"

    class Why(models.TextChoices):
        """Why somebody must not answer."""

        REQUESTER = "requester"
        DECIDER = "decider"
        NAMED = "named"
        CONFLICT = "conflict"
        # They have proposed it as often as they may.
        ROUNDS = "rounds"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="candidates", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    group = models.ForeignKey(
        Group, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    # The name that was asked for. A group that is made later under it gets the task.
    name = models.CharField(max_length=200)
    why = models.CharField(max_length=16, choices=Why, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["candidate", "checker", "excluded"])
                & (Q(user__isnull=True) | Q(group__isnull=True)),
                name="candidate_is_one",
            ),
            # Also the index with which a task looks for a person on its list.
            models.UniqueConstraint(fields=["task", "kind", "user"], name="candidate_user_once"),
            models.UniqueConstraint(fields=["task", "kind", "group"], name="candidate_group_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
