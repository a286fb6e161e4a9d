"""What is kept of a task's course: decisions, drafts, comments, and the audit."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from humantasks.models.tasks import HumanTask


class TaskDecision(models.Model):
    """What a person decided, proposed, voted or said to a proposal. Never changed."""

    class Kind(models.TextChoices):
        DECISION = "decision"
        # Of two who decide together: what the first one wants, and what the other says to it.
        PROPOSAL = "proposal"
        APPROVAL = "approval"
        RETURN = "return"
        VOTE = "vote"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="decisions", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.DECISION)
    round = models.PositiveIntegerField(default=1)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    outcome = models.CharField(max_length=50)
    data = models.TextField()
    comment = models.TextField(blank=True)
    reason_codes = models.JSONField(default=list)
    # The items of the checklist that were ticked.
    checked = models.JSONField(default=list)
    # The user name of the person for whom it was decided, if it was delegated.
    on_behalf_of = models.CharField(max_length=255, default="")
    # Decided past the rules, by somebody who may.
    is_override = models.BooleanField(default=False)
    # sha256 of the evidence and the schema: proof of what was judged.
    evidence_digest = models.CharField(max_length=64)
    submission_id = models.UUIDField()
    decided_at = models.DateTimeField()
    # When the person changed their vote: another row holds what they say now.
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # What a person has checked and voted on.
            models.Index(fields=["user"], name="decision_in_review", condition=~Q(kind="decision")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "round", "user"],
                name="decision_once",
                condition=Q(superseded_at__isnull=True),
            ),
            # A form that is sent twice finds what it did the first time.
            models.UniqueConstraint(fields=["task", "submission_id"], name="decision_of_form"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of task {self.task_id}"


class TaskDraft(models.Model):
    """What a person has typed and not sent. Their own; nobody else sees it."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="drafts", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Counts the saves. A page that has not seen the last one, and did not make it, is old.
    draft_rev = models.PositiveIntegerField()
    submission_id = models.UUIDField()
    # The form's fields as they were sent: {name: [text, …]}.
    data = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user"], name="draft_of_person"),
        ]

    def __str__(self) -> str:
        return f"draft of task {self.task_id}"


class TaskComment(models.Model):
    """What people say about a task: remarks, questions to others, and their answers."""

    class Kind(models.TextChoices):
        COMMENT = "comment"
        QUESTION = "question"
        ANSWER = "answer"

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="comments", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.COMMENT)
    text = models.TextField()
    at = models.DateTimeField()
    # Names the form that it came with, so that sending it twice says it once.
    submission_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "submission_id"], name="comment_of_form"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on task {self.task_id}"


class TaskPass(models.Model):
    """A person let a task pass: it is not served to them again for a while."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="passes", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "user"], name="pass_of_person"),
        ]

    def __str__(self) -> str:
        return f"task {self.task_id} is not served until {self.until}"


class TaskAudit(models.Model):
    """What happened to a task. Only ever appended to, each entry chained to the one before."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="audit", db_index=False
    )
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    # Null: the engine. A person who acted cannot be deleted; the label stays as it was.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    actor_label = models.CharField(max_length=255, default="")
    verb = models.CharField(max_length=32)
    from_status = models.CharField(max_length=16, default="")
    to_status = models.CharField(max_length=16)
    # A word for programs, such as why a task was withdrawn; and a sentence for people.
    code = models.CharField(max_length=32, default="")
    reason = models.TextField(default="")
    on_behalf_of = models.CharField(max_length=255, default="")
    # The door it came through: "" for a page, else api, next, bulk, link or engine.
    via = models.CharField(max_length=16, default="")
    # Old and new of what was changed: {"priority": [30, 50]}.
    changes = models.JSONField(default=dict)
    # sha256 of the entry before and of this one: none can be changed or left out unseen.
    digest = models.CharField(max_length=64, default="")

    class Meta:
        verbose_name_plural = "task audit"
        default_permissions = ("view",)
        constraints = [
            # Entries are numbered under the task's row lock.
            models.UniqueConstraint(fields=["task", "seq"], name="audit_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} task {self.task_id}"
