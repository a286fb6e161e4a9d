"""What the example keeps of its customers."""

from __future__ import annotations

from django.db import models


class Account(models.Model):
    """A customer's account."""

    class Status(models.TextChoices):
        NEW = "new"
        ACTIVE = "active"
        REFUSED = "refused"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"
