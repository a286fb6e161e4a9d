"""The filters of the runs list: as a form, and as the query string of an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict

from dashboard.queries.filters import FAMILIES, PERIODS, WAITS, Filter, Pairs
from dashboard.queries.runs import is_workflow
from orchestrator.core.definition import registry

PERIOD_WORDS = {
    "1h": "in the last hour",
    "24h": "in the last 24 hours",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
}

# The columns that may be shown, and those that are if nobody says otherwise.
COLUMNS: Mapping[str, str] = {
    "state": "Waiting on, or error",
    "started": "Started",
    "took": "Took",
    "key": "Key",
    "by": "By",
    "attributes": "Attributes",
    "attempt": "Attempt",
}
USUAL = ("state", "started", "took", "key", "by")

# Attributes and tags in one list, at most.
MAX_PAIRS = 5

# What stands before a colon in the search box, and the filter that it fills.
_PREFIXES = {
    "wf": "workflow",
    "workflow": "workflow",
    "status": "status",
    "wait": "wait",
    "error": "error",
    "tag": "tag",
}
_PREFIXED = re.compile(rf"({'|'.join(_PREFIXES)}):\s*(.+)", re.S)


def _unknown(values: Sequence[str], known: Iterable[str]) -> str:
    said = ", ".join(f"“{value}”" for value in values)
    return f"{said} is unknown. There is: {', '.join(known) or 'nothing yet'}."


class NamesField(forms.MultipleChoiceField):
    """Names of things; an error names all that are unknown, and those there are."""

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__(required=False, choices=list(known.items()))
        self.known = known

    def validate(self, value: Sequence[str]) -> None:
        if unknown := [name for name in value if name not in self.known]:
            raise forms.ValidationError(_unknown(unknown, self.known))


class PairsField(forms.Field):
    """Any number of `name:value`. Empty ones are left out."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> Pairs:
        texts = [text for text in value or () if text.strip()]
        pairs = tuple((name.strip(), rest.strip()) for name, _, rest in map(_parted, texts))
        if wrong := [text for text, pair in zip(texts, pairs, strict=True) if not all(pair)]:
            raise forms.ValidationError(f"“{wrong[0]}” is not written as name:value.")
        if len(pairs) > MAX_PAIRS:
            raise forms.ValidationError(f"At most {MAX_PAIRS} of them hold at once.")
        for text in texts:
            ProhibitNullCharactersValidator()(text)
        return pairs


def _parted(text: str) -> tuple[str, str, str]:
    return text.partition(":" if ":" in text else "=")


def _period() -> forms.ChoiceField:
    return forms.ChoiceField(
        required=False,
        choices=[("", "any time"), *PERIOD_WORDS.items()],
        error_messages={"invalid_choice": _unknown(["%(value)s"], PERIODS)},
    )


class RunFilter(forms.Form):
    """The filters of the runs list. What is wrong is left out, and said."""

    status = NamesField({name: family.word for name, family in FAMILIES.items()})
    workflow = forms.CharField(required=False, max_length=200)
    version = forms.CharField(required=False, max_length=200)
    q = forms.CharField(required=False, max_length=360, label="Search")
    ended = _period()
    created = _period()
    since = forms.DateTimeField(required=False, label="Created since")
    until = forms.DateTimeField(required=False, label="Created before")
    wait = forms.ChoiceField(
        required=False,
        choices=[("", "anything"), *WAITS.items()],
        error_messages={"invalid_choice": _unknown(["%(value)s"], WAITS)},
    )
    error = forms.CharField(required=False, max_length=200)
    attribute = PairsField(required=False)
    tag = PairsField(required=False)
    parent = forms.UUIDField(required=False)
    cols = NamesField(COLUMNS)
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(_spelled_out(data))

    def clean(self) -> None:
        clean = self.cleaned_data
        if clean.get("version") and not clean.get("workflow"):
            self.add_error("version", "It is a version of which workflow? Choose one too.")

    def misses_workflow(self) -> bool:
        """Whether there is no such workflow, which is then left out. One query at most."""
        name = self.cleaned_data.get("workflow", "")
        if not name or is_workflow(name):
            return False
        known = sorted({one.name for one in registry})
        self.add_error("workflow", _unknown([name], known))
        return True

    def wanted(self) -> Filter:
        """The valid part of it."""
        self.is_valid()
        clean = self.cleaned_data
        has_workflow = bool(clean.get("workflow"))
        return Filter(
            families=tuple(name for name in FAMILIES if name in self["status"].value()),
            workflow=clean.get("workflow", ""),
            version=clean.get("version", "") if has_workflow else "",
            text=clean.get("q", ""),
            ended=clean.get("ended", ""),
            created=clean.get("created", ""),
            wait=clean.get("wait", ""),
            error=clean.get("error", ""),
            attributes=clean.get("attribute") or (),
            tags=clean.get("tag") or (),
            started_after=clean.get("since"),
            started_before=clean.get("until"),
            parent_id=clean.get("parent"),
        )

    def columns(self) -> tuple[str, ...]:
        chosen = self.cleaned_data.get("cols") or USUAL
        return tuple(name for name in COLUMNS if name in chosen)


def _spelled_out(data: QueryDict) -> QueryDict:
    """`wf:orders` in the search box is the filter by workflow."""
    match = _PREFIXED.fullmatch(data.get("q", "").strip())
    if match is None:
        return data
    data = data.copy()
    name, value = _PREFIXES[match[1]], match[2].strip()
    del data["q"]
    if name in ("status", "tag"):
        data.appendlist(name, value)
    else:
        data[name] = value
    return data


def query(wanted: Filter, columns: Sequence[str] = USUAL, **more: object) -> str:
    """The filter as the query string of an address, without what is empty."""
    return params(wanted, columns, **more).urlencode()


def params(wanted: Filter, columns: Sequence[str] = USUAL, **more: object) -> QueryDict:
    found = QueryDict(mutable=True)
    found.setlist("status", list(wanted.families))
    for name, value in (
        ("workflow", wanted.workflow),
        ("version", wanted.version),
        ("q", wanted.text),
        ("ended", wanted.ended),
        ("created", wanted.created),
        ("since", _written(wanted.started_after)),
        ("until", _written(wanted.started_before)),
        ("wait", wanted.wait),
        ("error", wanted.error),
        ("parent", str(wanted.parent_id or "")),
        *((name, str(value)) for name, value in more.items()),
    ):
        if value:
            found[name] = value
    for name, pairs in (("attribute", wanted.attributes), ("tag", wanted.tags)):
        found.setlist(name, [f"{key}:{value}" for key, value in pairs])
    if tuple(columns) != USUAL:
        found.setlist("cols", list(columns))
    return found


def _written(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat()
