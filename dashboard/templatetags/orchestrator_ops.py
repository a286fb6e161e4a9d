"""Template tags of the operators' pages: sentences about waits, short ids."""

from __future__ import annotations

from uuid import UUID

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import rows
from humantasks.templatetags.orchestrator_ui import when
from orchestrator.run import WaitInfo

register = template.Library()


@register.simple_tag
def waits_for(wait: WaitInfo) -> SafeString:
    """What a run waits for, in a few words and with its time."""
    match wait.kind:
        case "retry":
            return _retry(wait)
        case "concurrency":
            return format_html('<span class="sub">a free place among</span> {}', wait.name)
        case "ambiguous":
            return format_html('{} <span class="sub">may or may not have happened</span>', wait.key)
        case "timer":
            return format_html('<span class="sub">wakes</span> {}', when(wait.until))
        case _ if wait.until is not None:
            return format_html(
                '{} <span class="sub">times out {}</span>', wait.name, when(wait.until)
            )
        case _:
            return format_html("{}", wait.name)


@register.filter
def short_id(run_id: UUID) -> str:
    return rows.short_id(run_id)


def _retry(wait: WaitInfo) -> SafeString:
    known = wait.detail or {}
    attempt, of = known.get("attempt", ""), known.get("of")
    return format_html(
        '{} <span class="sub">attempt {} {}</span>',
        wait.key or "the whole run",
        f"{attempt} of {of}" if of else attempt,
        when(wait.until),
    )
