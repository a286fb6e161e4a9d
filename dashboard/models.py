"""What the dashboard keeps of its own: what operators did, and the tokens of the REST API."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone


class AppendOnly(models.QuerySet["OperatorAction"]):
    """Rows that are added and read, and never changed."""

    def update(self, **fields: Any) -> NoReturn:
        raise TypeError("what operators did is never changed")

    def delete(self) -> NoReturn:
        raise TypeError("what operators did is never deleted")


class OperatorAction(models.Model):
    """What an operator did to a run, or tried to. Only ever added to, by `dashboard.audit`."""

    class Outcome(models.TextChoices):
        APPLIED = "applied"
        REJECTED = "rejected"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    # A person who acted cannot be deleted; the label stays what it was when they are renamed.
    # Null is somebody with a shell on the server, who need not be one of our users.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    actor_label = models.CharField(max_length=255)
    action = models.CharField(max_length=40)
    # Not a foreign key: the audit outlives the run.
    run_id = models.UUIDField(null=True)
    reason = models.TextField(default="")
    outcome = models.CharField(max_length=16, choices=Outcome)
    # Why it was rejected, or what came of it.
    detail = models.TextField(default="")
    before_status = models.CharField(max_length=16, default="")
    after_status = models.CharField(max_length=16, default="")
    ip = models.GenericIPAddressField(null=True)
    # The token of the REST API that it came with; "" for a browser.
    via = models.CharField(max_length=200, default="")
    # Names a form that makes something new, so that sending it twice makes one thing.
    token = models.UUIDField(null=True, unique=True)

    objects = AppendOnly.as_manager()

    class Meta:
        # Nobody can be given the right to change or delete what is here.
        default_permissions = ("view",)
        indexes = [
            # The audit tab of a run, newest first.
            models.Index(fields=["run_id", "-id"], name="action_of_run"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label}: {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("what operators did is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("what operators did is never deleted")


class ApiToken(models.Model):
    """A secret with which a program acts as a user, within scopes and until a day.

    Written by `dashboard.tokens` alone. The secret itself is not kept: `digest` is what
    it is recognised by, and `prefix`, its beginning, what it is found by and called.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    # To the minute; it is not written with each request.
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class ApiAnswer(models.Model):
    """What was answered to a request with an `Idempotency-Key`, for when it is sent again."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # SHA-256 of the method and the path, and of the body.
    address = models.CharField(max_length=64)
    request = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            # Who is second waits for the first, and gets its answer.
            models.UniqueConstraint(fields=["user", "key", "address"], name="api_answer_once"),
        ]
        indexes = [
            # Those whose time is over.
            models.Index(fields=["created_at"], name="api_answer_age"),
        ]

    def __str__(self) -> str:
        return self.key


class SavedView(models.Model):
    """A list of runs that somebody wants to see again: its filters and columns."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=60)
    # The query string of the list.
    query = models.TextField()
    # Whether everybody who sees runs has it.
    is_shared = models.BooleanField(default=False)
    # Whether its user gets it who asks for no list in particular.
    is_default = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        permissions = [("share_view", "Can share saved lists of runs")]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_name"),
            models.UniqueConstraint(
                fields=["user"], name="saved_view_default", condition=models.Q(is_default=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkOperation(models.Model):
    """One verb for many runs, which were written down when it was confirmed.

    Written by `dashboard.bulk` alone; workers carry it out.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"
        DONE = "done"

    id = models.BigAutoField(primary_key=True)
    verb = models.CharField(max_length=40)
    # The list that it was made of; "" for runs that were chosen one by one.
    query = models.TextField(default="")
    reason = models.TextField()
    total = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    # When a worker should look: now, or when the one that works on it has died; null at rest.
    due_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    actor_label = models.CharField(max_length=255)
    ip = models.GenericIPAddressField(null=True)
    # Names the form, so that sending it twice makes one operation.
    token = models.UUIDField(unique=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        permissions = [("bulk_operate", "Can act on many runs at once")]
        indexes = [
            # What workers have to do.
            models.Index(
                fields=["due_at"], name="bulk_due", condition=models.Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.total} runs"


class BulkItem(models.Model):
    """One run of a bulk operation, and what came of it."""

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        REFUSED = "refused"

    id = models.BigAutoField(primary_key=True)
    operation = models.ForeignKey(
        BulkOperation, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    # Not a foreign key: what was done outlives the run.
    run_id = models.UUIDField()
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    # Why it was refused.
    detail = models.TextField(default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["operation", "run_id"], name="bulk_item_once"),
        ]
        indexes = [
            # What is to be done, what was refused, and how many there are of each.
            models.Index(fields=["operation", "state", "id"], name="bulk_item_state"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.state}"
