"""Tasks: what is asked, of whom, and where it is.

Schemas and payloads are text, not JSON columns: PostgreSQL's jsonb would lose the order
in which the author wrote the fields.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from humantasks import definitions, plain, reviews
from humantasks.definitions import Check, Outcome, Policy
from humantasks.querysets import TaskQuerySet
from humantasks.reviews import Review
from orchestrator.core.ids import uuid7
from orchestrator.models import Run


class Status(models.TextChoices):
    """Where a task is. The first four are open, the others final."""

    READY = "ready"
    CLAIMED = "claimed"
    PAUSED = "paused"
    IN_REVIEW = "in_review"
    COMPLETED = "completed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"
    FAILED = "failed"


OPEN = (Status.READY, Status.CLAIMED, Status.PAUSED, Status.IN_REVIEW)
AT_RISK = 0.2
HELD = (Status.CLAIMED, Status.PAUSED)


class Pause(models.TextChoices):
    """Why a task is paused."""

    INFO = "info"
    SNOOZE = "snooze"


class Priority(models.IntegerChoices):
    LOW = 10
    NORMAL = 30
    HIGH = 50
    URGENT = 90


class TaskNumber(models.Model):
    """Where the numbers of tasks come from. A row per task, so that no two transactions wait."""

    id = models.BigAutoField(primary_key=True)

    def __str__(self) -> str:
        return f"#{self.pk}"


class HumanTask(models.Model):
    """A question to a team, asked by a run."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # What people call it: #1042. Numbers may be missing, none comes twice.
    ref = models.BigIntegerField(unique=True)

    # Kept when the run is removed, which retention does long before the audit may go. So no
    # constraint: what is left is the run's id, and the name of its workflow.
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="human_tasks"
    )
    workflow = models.CharField(max_length=200)
    # The key of the wait in the run's journal; a run that is sent back asks it again.
    key = models.CharField(max_length=200)
    generation = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=200)

    type = models.CharField(max_length=definitions.MAX_TYPE)
    type_version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=200)
    ui = models.CharField(max_length=50, default="form")
    # The form and the outcomes as they were when it was asked.
    schema = models.TextField()
    # Whom the author named. The first team of it is `team`; all of it is in TaskCandidate.
    assign_to = models.JSONField(default=list)
    team = models.ForeignKey(
        Group, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    status = models.CharField(max_length=16, choices=Status, default=Status.READY)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    # Who stays responsible while somebody else works on it for them.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    # Who started the run, if that is one of our users.
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    # Nobody could answer it when it was asked.
    unroutable = models.BooleanField(default=False)
    # Whoever decides another task of the run must not answer this one.
    excludes_deciders = models.BooleanField(default=False)
    escalation_level = models.PositiveSmallIntegerField(default=0)

    # Which time it is that people judge it: one more for each return to who proposed.
    round = models.PositiveIntegerField(default=1)

    # Why it is paused, until when (snoozed), or who is asked (information).
    pause_kind = models.CharField(max_length=8, choices=Pause, default="")
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    asked_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )

    # Counts the changes of what is judged (data and schema); a form made from another
    # number is stale. `seq` counts every change and numbers the audit.
    data_rev = models.PositiveIntegerField(default=1)
    seq = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    # When its holder first typed something: from then on it is in progress.
    started_at = models.DateTimeField(null=True)
    # How long a claim lasts without a sign of its holder, and until when; null: for ever.
    lease_seconds = models.PositiveIntegerField(null=True)
    claim_expires_at = models.DateTimeField(null=True)
    # By when somebody should have begun; and the calendar in which its times are counted.
    start_by = models.DateTimeField(null=True)
    calendar = models.CharField(max_length=50, default="")
    # For how long it has waited for information: no work of those who judge it.
    paused_seconds = models.PositiveIntegerField(default=0)
    # Red from then on, and nothing else. At `expires_at` the engine ends the wait.
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    outcome = models.CharField(max_length=50, default="")
    completed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )

    objects = TaskQuerySet.as_manager()

    # What it is to its reader; `with_exclusion_of` looks up the first, `for_reader` all.
    excluded_why: str | None = None
    is_led: bool
    may_answer: bool
    may_review: bool
    sits: bool
    has_team_above: bool
    sees_data: bool

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("override_task", "Can decide a task past its rules, with a reason"),
        ]
        constraints = [
            # A wait has one task each time it is asked.
            models.UniqueConstraint(fields=["run", "key", "generation"], name="task_of_wait"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="task_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=HELD, assignee__isnull=False)
                | (~Q(status__in=HELD) & Q(assignee__isnull=True)),
                name="task_is_held_by_its_assignee",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, closed_at__isnull=True)
                | (~Q(status__in=OPEN) & Q(closed_at__isnull=False)),
                name="task_that_ended_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.PAUSED, pause_kind__in=Pause.values)
                | (~Q(status=Status.PAUSED) & Q(pause_kind="")),
                name="task_is_paused_for_a_reason",
            ),
        ]
        indexes = [
            # The team queue and the open tasks of a team, the most pressing first.
            models.Index(
                fields=["-priority", "due_at", "id"],
                name="task_open",
                condition=Q(closed_at__isnull=True),
            ),
            # The same, by when they are due.
            models.Index(
                fields=["due_at", "id"], name="task_due", condition=Q(closed_at__isnull=True)
            ),
            # What is to be checked and voted on.
            models.Index(
                fields=["-priority", "due_at", "id"],
                name="task_in_review",
                condition=Q(status="in_review"),
            ),
            # My work.
            models.Index(
                fields=["assignee", "-priority", "due_at", "id"],
                name="task_my_work",
                condition=Q(assignee__isnull=False),
            ),
            # What I have done, newest first.
            models.Index(
                fields=["completed_by", "-closed_at", "-id"],
                name="task_done",
                condition=Q(completed_by__isnull=False),
            ),
            # What a person was asked for information about.
            models.Index(
                fields=["asked_of"], name="task_asked_of", condition=Q(asked_of__isnull=False)
            ),
            # What ends by itself: claims without a sign of their holder, and snoozes.
            models.Index(
                fields=["claim_expires_at"],
                name="task_lease",
                condition=Q(claim_expires_at__isnull=False),
            ),
            models.Index(
                fields=["paused_until"],
                name="task_wakes",
                condition=Q(paused_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.ref} {self.title}"

    # What `state` is made of.
    STATE = ("data_rev", "status", "pause_kind", "assignee_id")

    @property
    def state(self) -> str:
        """Differs when the task became another to who looks at it: other data, another holder."""
        return "-".join(str(getattr(self, name) or "") for name in self.STATE)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_overdue(self) -> bool:
        """Red. Not while the task waits for information: its clock stands still."""
        if not self.is_open or self.due_at is None or self.pause_kind == Pause.INFO:
            return False
        return self.due_at < timezone.now()

    @property
    def is_at_risk(self) -> bool:
        """Due soon: a fifth of its time is left, or less."""
        if not self.is_open or self.due_at is None or self.pause_kind == Pause.INFO:
            return False
        left = self.due_at - timezone.now()
        return timedelta(0) <= left <= (self.due_at - self.created_at) * AT_RISK

    @property
    def is_late_to_begin(self) -> bool:
        """Nobody has begun, though somebody should have."""
        if self.status != Status.READY or self.start_by is None:
            return False
        return self.start_by < timezone.now()

    @cached_property
    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = json.loads(self.schema)
        return asked

    @property
    def form_schema(self) -> dict[str, Any] | None:
        """The JSON schema of the form; None for a task without one."""
        form: dict[str, Any] | None = self._asked["form"]
        return form

    @property
    def policy(self) -> Policy:
        """What its type allowed when it was asked."""
        return Policy(**self._asked.get("policy", {}))

    @cached_property
    def review(self) -> Review | None:
        """How more than one person decides it, as it was when it was asked."""
        known = definitions.registered_types().get(self.type)
        return reviews.from_stored(self._asked.get("review"), known.review if known else None)

    @property
    def sla(self) -> dict[str, Any] | None:
        """By when it has to be done, as its type said when it was asked."""
        found: dict[str, Any] | None = self._asked.get("sla")
        return found

    @property
    def form_class(self) -> str | None:
        """`module:qualified.name` of the form's class, which may be gone by now."""
        path: str | None = self._asked["form_class"]
        return path

    def form_of(self, outcome: Outcome) -> tuple[dict[str, Any] | None, str | None]:
        """What an outcome asks: a JSON schema and the name of its class; None for nothing."""
        if outcome.form is None:
            return None, None
        if outcome.form == "task":
            return self.form_schema, self.form_class
        own = self._asked["own_forms"][outcome.name]
        return own["form"], own["form_class"]

    @cached_property
    def checklist(self) -> list[Check]:
        """What must be looked at before some of the outcomes."""
        return [Check(**stored) for stored in self._asked.get("checklist", ())]

    @property
    def initial(self) -> dict[str, Any]:
        """What stands in the form at first, by field."""
        text = "" if self._state.adding else self.payload.initial
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    @property
    def outcome_label(self) -> str:
        """How the task was decided, in the reader's language."""
        found = self.outcomes.get(self.outcome)
        return plain.shown(found.label) if found else self.outcome

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        found = [definitions.outcome_from(stored) for stored in self._asked["outcomes"]]
        return {outcome.name: outcome for outcome in found}
