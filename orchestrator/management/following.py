"""`manage.py runs tail`: what happens to a run, as it happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from orchestrator import models
from orchestrator.core.journal import CANCEL, OPEN, PATCH
from orchestrator.management import outlines
from orchestrator.management.finding import the_run
from orchestrator.models import Entry, LogLine, Run

# All that a look at the journal needs: not the values.
_FIELDS = ("key", "kind", "status", "attempt", "started_at", "finished_at", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that has happened to a run: to itself, to a step, or a line of its log."""

    at: datetime
    about: Literal["run", "step", "log"]
    name: str
    status: str
    detail: str = ""

    def document(self) -> dict[str, Any]:
        names = ("at", "about", "name", "status", "detail")
        return {name: getattr(self, name) for name in names}

    def text(self) -> str:
        what = f"{self.name}  {self.status}" if self.name else self.status
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.at:%H:%M:%S}  {self.about:4}  {what}{detail}"


class Follower:
    """Looks at a run every `pause` seconds. `status` is what it was at the last look."""

    def __init__(self, run_id: UUID, *, pause: float) -> None:
        self.status = ""
        self._run_id = run_id
        self._pause = pause
        self._rev = -1
        self._last_line = 0
        self._known: dict[str, tuple[str, int]] = {}
        # Never set: a wait on it ends by itself, or by Ctrl-C.
        self._never = threading.Event()

    def follow(self) -> Iterator[News]:
        """What has happened, then what happens, until the run has ended."""
        while True:
            run = the_run(self._run_id)
            if run.rev != self._rev:
                self._rev = run.rev
                yield from sorted([*self._steps(), *self._lines()], key=lambda news: news.at)
                yield from self._run(run)
            if run.is_final:
                return
            self._never.wait(self._pause)

    def _run(self, run: Run) -> Iterator[News]:
        if run.status == self.status:
            return
        self.status = run.status
        at = run.finished_at or run.waiting_since or run.started_at or run.created_at
        detail = outlines.error_line(run) or outlines.waits_line(run)
        yield News(at=at, about="run", name="", status=run.status, detail=detail)

    def _steps(self) -> Iterator[News]:
        entries = Entry.objects.filter(run_id=self._run_id).exclude(kind__in=[CANCEL, PATCH])
        for entry in entries.order_by("position").only("run_id", *_FIELDS):
            now = (entry.status, entry.attempt)
            if self._known.get(entry.key) == now:
                continue
            self._known[entry.key] = now
            at = entry.finished_at or entry.started_at
            if at is not None:
                yield News(
                    at=at,
                    about="step",
                    name=entry.key,
                    status="begins" if entry.status == OPEN else entry.status,
                    detail=_error(entry),
                )

    def _lines(self) -> Iterator[News]:
        lines = LogLine.objects.filter(run_id=self._run_id, id__gt=self._last_line)
        for line in lines.order_by("id"):
            self._last_line = line.id
            fields = " ".join(f"{name}={value}" for name, value in line.fields.items())
            text = f"{line.message} {fields}".rstrip()
            yield News(at=line.at, about="log", name=line.key, status=line.level, detail=text)


def _error(entry: models.Entry) -> str:
    return str((entry.error or {}).get("message", "")).partition("\n")[0]
