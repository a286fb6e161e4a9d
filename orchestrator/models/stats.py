"""How many runs there were: counted once for each minute, and added up for each hour."""

from __future__ import annotations

from django.db import models


class RunStat(models.Model):
    """How many runs of a workflow were created or ended in a minute, or in an hour."""

    class Span(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"

    pk = models.CompositePrimaryKey("span", "at", "workflow", "what", "bucket")
    span = models.CharField(max_length=8, choices=Span)
    # The beginning of it.
    at = models.DateTimeField()
    workflow = models.CharField(max_length=200)
    # "created", or the status in which they ended.
    what = models.CharField(max_length=16)
    # How long those that ended took: see `orchestrator.core.times`. 0 for "created".
    bucket = models.PositiveSmallIntegerField(default=0)
    number = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.number} {self.what} of {self.workflow} in the {self.span} of {self.at}"


class StatMark(models.Model):
    """How far the counting has come: a single row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # What was before is counted.
    upto = models.DateTimeField()

    def __str__(self) -> str:
        return f"counted up to {self.upto}"
