"""Steps that were handed out, to whichever worker takes them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orchestrator.models.runs import Run


class StepTask(models.Model):
    """One attempt of a step that any worker may execute. Gone when it has been reported.

    Claimed, fenced and taken over as a run is: see `Run.epoch`, `Run.owned`, `Run.due_at`.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="step_tasks", db_index=False
    )  # the constraint begins with it
    key = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    # Of the run: only who has its code is sure to have the function.
    workflow = models.CharField(max_length=200)
    version = models.CharField(max_length=200)

    queue = models.CharField(max_length=100, default="")
    # When it was handed out, less what its priority is worth.
    rank_at = models.DateTimeField()
    # When a worker should look: now, or the end of the lease; null while its run is paused.
    due_at = models.DateTimeField(null=True)
    owned = models.BooleanField(default=False)
    epoch = models.BigIntegerField(default=0)
    # Workers in a row that died while they executed it.
    crashes = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=200, default="")
    started_at = models.DateTimeField(null=True)
    # Its run wants it no more: who executes it may end it, and nobody begins it again.
    is_withdrawn = models.BooleanField(default=False)

    # `module:qualified.name`, and what it gets, by the codec.
    function = models.CharField(max_length=300)
    args = models.TextField()
    timeout = models.DurationField(null=True)
    atomic = models.BooleanField(default=False)
    at_most_once = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=300)
    # Whether the author gave that key.
    is_shared = models.BooleanField(default=False)
    # What the attempt, or the one before, has told with its heartbeats.
    details = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # A step is handed out once at a time.
            models.UniqueConstraint(fields=["run", "key"], name="step_task_of_run"),
        ]
        indexes = [
            # The claim: what waits in a queue, by rank.
            models.Index(
                fields=["queue", "rank_at"],
                name="step_task_claim",
                condition=Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.run_id}"
