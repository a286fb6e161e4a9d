"""`manage.py workflows`: the code that there is, its diagrams, and the runs that are under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from orchestrator import diagrams
from orchestrator.core.definition import registry
from orchestrator.management.console import Verbs
from orchestrator.models import FINAL, Run


class Command(Verbs):
    help = "List workflows, their versions and their open runs; draw state machines."

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        self.verb("list", self._list, "Every version: is it the default, and its open runs.")
        diagram = self.verb("diagram", self._diagram, "Draw a state machine.")
        diagram.add_argument("name", help="Its name, as `workflows list` shows it.")
        diagram.add_argument("--of-version", metavar="VERSION", help="Else that of new machines.")
        diagram.add_argument("--format", choices=list(diagrams.FORMATS), default="mermaid")

    def _diagram(self, options: dict[str, Any]) -> None:
        name, version, format_ = options["name"], options["of_version"], options["format"]
        text = diagrams.of_workflow(name, version, format=format_)
        if options["json"]:
            self.document({"workflow": name, "format": format_, "diagram": text})
        else:
            self.stdout.write(text, ending="")

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
