"""`manage.py workflows`: the code that there is, and the runs that are under way on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from orchestrator.core.definition import registry
from orchestrator.management.console import Verbs
from orchestrator.models import FINAL, Run


class Command(Verbs):
    help = "List workflows, their versions, and the open runs of each version."

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        self.verb("list", self._list, "Every version: is it the default, and its open runs.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = _versions()
        if options["json"]:
            for row in rows:
                self.line(row)
            return
        head = ("WORKFLOW", "VERSION", "OPEN RUNS", "")
        self.table(head, [(r["workflow"], r["version"], str(r["open"]), _note(r)) for r in rows])


def _versions() -> list[dict[str, Any]]:
    """Every version that has code here or open runs, by name. One query."""
    used = _open()
    known = {(one.name, one.version) for one in registry}
    newest = {name: registry.get(name).version for name, _ in known}
    return [
        {
            "workflow": name,
            "version": version,
            "is_default": newest.get(name) == version,
            "has_code": (name, version) in known,
            "open": used.get((name, version), 0),
        }
        for name, version in sorted({*known, *used})
    ]


def _open() -> Mapping[tuple[str, str], int]:
    grouped = Run.objects.exclude(status__in=FINAL).order_by().values_list("workflow", "version")
    return {(name, version): number for name, version, number in grouped.annotate(n=Count("id"))}


def _note(row: Mapping[str, Any]) -> str:
    if not row["has_code"]:
        return "no code here"
    return "default" if row["is_default"] else ""
