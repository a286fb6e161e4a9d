from __future__ import annotations

from django.db import models


class Article(models.Model):
    """What has been published."""

    title = models.CharField(max_length=200)
    body = models.TextField()
    published_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title
