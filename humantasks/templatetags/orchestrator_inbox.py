"""Template tags of the inbox. `{% load orchestrator_inbox %}`."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from humantasks import wording
from humantasks.models import HumanTask, Pause, Status
from humantasks.templatetags.orchestrator_ui import status_badge

register = template.Library()


@register.simple_tag
def task_badge(task: HumanTask) -> SafeString:
    """The status of a task, in the words of who reads a list."""
    word = ""
    if task.pause_kind == Pause.INFO:
        word = _("Waits for information")
    elif task.started_at is not None and task.status == Status.CLAIMED:
        word = _("In progress")
    return status_badge(task.status, "", word)


@register.filter
def why_locked(task: HumanTask) -> str:
    """In few words, why a free task is not the reader's to take."""
    return wording.why_locked(task)
