"""Files that belong to what is judged."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from humantasks import filetypes, storing
from humantasks.models.tasks import HumanTask
from orchestrator.core.ids import uuid7


class TaskAttachment(models.Model):
    """A file that somebody added to a task. Never changed; a better one replaces it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(
        HumanTask, on_delete=models.CASCADE, related_name="attachments", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # Empty when the data of the task was removed; the rest stays.
    file = models.FileField(storage=storing.storage, upload_to=storing.place, max_length=200)
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    # The entry of the audit that says it was added.
    seq = models.PositiveIntegerField()
    superseded_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    added_at = models.DateTimeField()
    # Names the form that it came with, so that sending it twice adds it once.
    submission_id = models.UUIDField()

    class Meta:
        constraints = [
            # Also the index with which a task looks for its files.
            models.UniqueConstraint(fields=["task", "seq"], name="attachment_in_order"),
            models.UniqueConstraint(fields=["task", "submission_id"], name="attachment_of_form"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of task {self.task_id}"

    @property
    def is_current(self) -> bool:
        return self.superseded_by_id is None

    @property
    def is_picture(self) -> bool:
        """Whether a page can show it; nothing else is ever shown, only handed out."""
        found = filetypes.KNOWN.get(filetypes.ending_of(self.name))
        return bool(self.file) and found is not None and found.is_picture
