"""Template tags of the inbox. `{% load orchestrator_inbox %}`."""

from __future__ import annotations

from django import template

from humantasks import wording
from humantasks.models import HumanTask

register = template.Library()


@register.filter
def why_locked(task: HumanTask) -> str:
    """In few words, why a free task is not the reader's to take."""
    return wording.why_locked(task)
