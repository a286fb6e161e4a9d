from __future__ import annotations

from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "examples.content"
    label = "content"
