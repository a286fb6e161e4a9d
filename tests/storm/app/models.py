"""What the storm's atomic steps write."""

from __future__ import annotations

from django.db import models


class Booking(models.Model):
    """A transactional effect. No constraint: the engine alone must keep it single."""

    run_id = models.UUIDField()
    key = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.key
