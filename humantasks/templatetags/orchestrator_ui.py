"""Template tags of the visual system: icons, badges, times, durations, values, navigation.

`{% load orchestrator_ui %}`. Each tag is a thin skin over a function of `humantasks.present`;
docs/design.md shows them in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from humantasks import present

register = template.Library()


@lru_cache(maxsize=1)
def _sprite() -> str:
    """Where the icons are. A list has hundreds of them."""
    return static("orchestrator/icons.svg")


@register.simple_tag
def icon(name: str, label: str = "", extra: str = "") -> SafeString:
    """An icon of the sprite: decoration unless it has a label."""
    hidden = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return format_html(
        '<svg class="icon {}" {}><use href="{}#{}"></use></svg>',
        extra,
        hidden if label else SafeString(hidden),
        _sprite(),
        name,
    )


@register.simple_tag
def status_badge(status: str, waiting_on: str = "", word: str = "") -> SafeString:
    """Icon, word and colour of a run's, step's or task's status, always all three."""
    return _badge(present.look(status, waiting_on or ""), word)


@register.simple_tag
def kind_badge(kind: str, word: str = "") -> SafeString:
    return _badge(present.kind_look(kind), word)


@register.simple_tag
def badge(word: str, family: str = "queued", icon_name: str = "info") -> SafeString:
    """Any badge; `family`: queued, running, waiting, human, retry, ok or failed."""
    return _badge(present.Look(word, family, icon_name), "")


@lru_cache(maxsize=512)
def _badge(shown: present.Look, word: str) -> SafeString:
    # A list shows the same few of them over and over.
    return format_html(
        '<span class="badge is-{}">{}{}</span>',
        shown.family,
        icon(shown.icon),
        word or shown.word,
    )


@register.simple_tag
def kind_icon(kind: str) -> SafeString:
    return icon(present.kind_look(kind).icon)


@register.filter
def family(status: str) -> str:
    """`class="is-{{ status|family }}"` gives an element the colours of a status."""
    return present.look(status).family


@register.filter
def status_word(status: str) -> str:
    return present.look(status).word


@register.filter
def kind_family(kind: str) -> str:
    return present.kind_look(kind).family


@register.simple_tag
def when(moment: datetime | None, style: str = "relative") -> SafeString | str:
    """A time with UTC in its title: `relative` (3 m ago), `date` or `exact` (milliseconds)."""
    if moment is None:
        return present.NOTHING
    here = timezone.localtime(moment)
    texts = {
        "relative": present.relative(moment, timezone.now()),
        "date": f"{here.day} {here:%b %Y %H:%M}",
        "exact": f"{here:%Y-%m-%d %H:%M:%S}.{here.microsecond // 1000:03d} {here:%Z}",
    }
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        present.utc(moment, precise=style == "exact"),
        SafeString(" data-relative") if style == "relative" else "",
        texts[style],
    )


@register.simple_tag
def elapsed(since: datetime | None) -> SafeString | str:
    """How long it has been since then, counted on in the browser."""
    if since is None:
        return present.NOTHING
    return format_html(
        '<time datetime="{}" title="since {}" data-elapsed>{}</time>',
        f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        present.utc(since),
        present.duration(timezone.now() - since),
    )


@register.filter
def duration(value: timedelta | float | None) -> str:
    """`{{ step.duration|duration }}`: 20 ms, 1.4 s, 12 m 3 s, 30 d 2 h; a dash for none."""
    return present.NOTHING if value is None else present.duration(value)


@register.filter
def thousands(number: int) -> str:
    """`{{ tokens|thousands }}`: 1,234,567."""
    return f"{number:,}"


@register.filter
def initials(name: object) -> str:
    return present.initials(str(name))


@register.simple_tag
def payload(value: object) -> SafeString:
    """A value as a tree of `<details>`: two levels open, a hundred children a level, escaped."""
    return format_html('<div class="tree" data-payload>{}</div>', _tree(present.tree(value)))


def _tree(node: present.Node) -> SafeString:
    key = format_html('<span class="key">{}</span>', node.key) if node.key is not None else ""
    if not node.children:
        text = {"object": "{}", "array": "[]"}.get(node.kind, node.text)
        return format_html(
            '<div class="leaf">{}<span class="{}">{}</span></div>', key, node.kind, text
        )
    return format_html(
        '<details{}><summary>{}<span class="size">{}</span></summary><ul>{}</ul></details>',
        SafeString(" open") if node.is_open else "",
        key,
        node.text,
        format_html_join("", "<li>{}</li>", ((_tree(child),) for child in node.children)),
    )


@register.simple_tag
def sparkline(values: Sequence[float], label: str) -> SafeString:
    """A small line through the values; the label is the sentence that says the same."""
    points = present.sparkline(values)
    return format_html(
        '<svg class="sparkline" viewBox="0 0 120 32" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">'
        '<polygon points="0,32 {} 120,32"/><polyline points="{}"/></svg>',
        label,
        points,
        points,
    )


@register.inclusion_tag("orchestrator/_nav_item.html", takes_context=True)
def nav_item(
    context: Context, url_name: str, label: str, icon_name: str, *, keys: str = "", count: Any = ""
) -> dict[str, Any]:
    """One line of the navigation; nothing when the project has no such page."""
    try:
        href = reverse(url_name)
    except NoReverseMatch:
        return {}
    request = context.get("request")
    return {
        "href": href,
        "label": label,
        "icon_name": icon_name,
        "keys": keys,
        "count": count,
        "count_id": "count-" + url_name.replace(":", "-"),
        "current": request is not None and _is_current(request.path, href),
    }


# The site's own first. A project that mounts the rooms alone need not have one.
_START_PAGES = ("home", "humantasks:my_work", "dashboard:overview")


@register.simple_tag
def start_page() -> str:
    """Where "to the start page" leads: the first of them that the project has."""
    for url_name in _START_PAGES:
        with suppress(NoReverseMatch):
            return reverse(url_name)
    return "/"


def _is_current(path: str, href: str) -> bool:
    """Whether the path is the page or one below it. The first page of a room has none below."""
    room = href.count("/") <= len("//")
    return path == href or (not room and path.startswith(href.rstrip("/") + "/"))


@register.filter
def anchor(field: BoundField) -> str:
    """The id of the control an error should lead to: the first one of a group."""
    return field.auto_id + "_0" if isinstance(field.field.widget, RadioSelect) else field.auto_id


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)
