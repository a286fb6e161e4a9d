"""How values look to people: the words and shapes of statuses, durations, times and JSON.

Plain functions of plain values. `humantasks.templatetags.orchestrator_ui` turns what they return
into HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from orchestrator.moments import duration, relative

__all__ = [
    "NOTHING",
    "Budget",
    "Look",
    "Node",
    "duration",
    "initials",
    "kind_look",
    "look",
    "relative",
    "sparkline",
    "tree",
    "utc",
]

NOTHING = "—"


@dataclass(frozen=True)
class Look:
    """How a status or a kind of step is shown: always a word, a family of colour and an icon."""

    word: str
    family: str
    icon: str


RUN_LOOKS: Mapping[str, Look] = {
    "scheduled": Look("Scheduled", "queued", "calendar-clock"),
    "pending": Look("Pending", "queued", "circle-dashed"),
    "running": Look("Running", "running", "clock"),
    "waiting": Look("Waiting", "waiting", "hourglass"),
    "awaiting_retry": Look("Retrying", "retry", "rotate-cw"),
    "paused": Look("Paused", "queued", "pause"),
    "blocked": Look("Blocked", "retry", "unplug"),
    "completed": Look("Completed", "ok", "check"),
    "failed": Look("Failed", "failed", "x"),
    "cancelled": Look("Cancelled", "queued", "ban"),
}

WAIT_LOOKS: Mapping[str, Look] = {
    "human_task": Look("Needs a person", "human", "user"),
    "event": Look("Waiting for event", "waiting", "zap"),
    "timer": Look("Sleeping", "waiting", "moon"),
    "sleep": Look("Sleeping", "waiting", "moon"),
    "child": Look("Waiting for child", "waiting", "git-fork"),
    "step": Look("Waiting for steps", "running", "terminal"),
    "retry": Look("Retrying", "retry", "rotate-cw"),
    "concurrency": Look("Queued", "queued", "circle-dashed"),
}

STEP_LOOKS: Mapping[str, Look] = {
    "accepted": Look("Accepted", "ok", "check"),
    "refused": Look("Refused", "queued", "ban"),
    "timed_out": Look("Timed out", "failed", "timer-off"),
    "ambiguous": Look("Ambiguous", "retry", "triangle-alert"),
}

KIND_LOOKS: Mapping[str, Look] = {
    "step": Look("Step", "queued", "terminal"),
    "sleep": Look("Sleep", "waiting", "moon"),
    "timer": Look("Sleep", "waiting", "moon"),
    "event": Look("Event", "waiting", "zap"),
    "human_task": Look("Human task", "human", "user"),
    "child": Look("Child run", "waiting", "git-fork"),
    "transition": Look("Transition", "queued", "route"),
    "retry": Look("Retry", "retry", "rotate-cw"),
    "compensation": Look("Compensation", "queued", "undo-2"),
    "ai": Look("AI step", "queued", "sparkles"),
    "queue": Look("Queue", "queued", "circle-dashed"),
}

TASK_LOOKS: Mapping[str, Look] = {
    "ready": Look("Ready", "human", "inbox"),
    "claimed": Look("Claimed", "running", "user-check"),
    "paused": Look("Paused", "queued", "pause"),
    "in_review": Look("In review", "waiting", "users"),
    "completed": Look("Completed", "ok", "check"),
    "expired": Look("Expired", "failed", "timer-off"),
    "withdrawn": Look("Withdrawn", "queued", "ban"),
    "skipped": Look("Skipped", "queued", "skip-forward"),
    "failed": Look("Failed", "failed", "x"),
}


def look(status: str, waiting_on: str = "") -> Look:
    """The look of a run, a step or a human task; `waiting_on` is the kind of a waiting run's wait.

    >>> look("waiting", "human_task").word
    'Needs a person'
    >>> look("in_review").icon
    'users'
    >>> look("half_done")
    Look(word='Half done', family='queued', icon='circle-dashed')
    """
    if status == "waiting" and waiting_on in WAIT_LOOKS:
        return WAIT_LOOKS[waiting_on]
    known = (RUN_LOOKS, TASK_LOOKS, STEP_LOOKS)
    return next((looks[status] for looks in known if status in looks), None) or _plain(status)


def kind_look(kind: str) -> Look:
    """The look of a kind of step.

    >>> kind_look("human_task").icon
    'user'
    """
    return KIND_LOOKS.get(kind) or _plain(kind)


def _plain(word: str) -> Look:
    return Look(word.replace("_", " ").capitalize(), "queued", "circle-dashed")


def utc(moment: datetime, *, precise: bool = False) -> str:
    """The moment in UTC, with the zone written; milliseconds when `precise`.

    >>> utc(datetime(2026, 1, 5, 12, 0, 7, 250_000, tzinfo=UTC), precise=True)
    '2026-01-05 12:00:07.250 UTC'
    """
    here = moment.astimezone(UTC)
    text = f"{here:%Y-%m-%d %H:%M:%S}"
    return f"{text}.{here.microsecond // 1000:03d} UTC" if precise else f"{text} UTC"


def initials(name: str) -> str:
    """Up to two letters that stand for a person.

    >>> initials("Ana María Ruiz"), initials("ana"), initials("  ")
    ('AR', 'A', '?')
    """
    words = name.replace(".", " ").replace("_", " ").replace("-", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


LONG = 25


@dataclass(frozen=True)
class Node:
    """One value of a tree: its key, what kind it is, its text or its children."""

    kind: str
    text: str
    key: str | None = None
    children: tuple[Node, ...] = ()
    depth: int = 0

    @property
    def is_open(self) -> bool:
        """Two levels are open, but not a long list in the second."""
        return self.depth == 0 or (self.depth == 1 and len(self.children) <= LONG)


@dataclass
class Budget:
    """How much of a value is shown: children per level, values in all, characters per string."""

    children: int = 100
    values: int = 2000
    characters: int = 4000
    depth: int = 32


def tree(value: object, budget: Budget | None = None) -> Node:
    """The value as nodes, in its own order, exact, and bounded: what is left out is announced.

    >>> node = tree({"b": 12345678901234567890, "a": [True, None]})
    >>> [(child.key, child.kind, child.text) for child in node.children]
    [('b', 'number', '12345678901234567890'), ('a', 'array', '2 items')]
    """
    return _node(value, None, 0, budget or Budget())


def _node(value: object, key: str | None, depth: int, budget: Budget) -> Node:
    budget.values -= 1
    if isinstance(value, Mapping):
        children = _children(value.items(), len(value), depth, budget)
        return Node("object", _size(len(value), "field"), key, children, depth)
    if isinstance(value, list | tuple | set | frozenset):
        children = _children(((None, item) for item in value), len(value), depth, budget)
        return Node("array", _size(len(value), "item"), key, children, depth)
    kind, text = _leaf(value, budget.characters)
    return Node(kind, text, key, depth=depth)


def _size(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _children(
    items: Iterable[tuple[object, object]], size: int, depth: int, budget: Budget
) -> tuple[Node, ...]:
    shown = tuple(_shown(items, depth, budget)) if depth < budget.depth else ()
    if len(shown) == size:
        return shown
    return (*shown, Node("more", f"… {size - len(shown):,} more not shown", depth=depth + 1))


def _shown(items: Iterable[tuple[object, object]], depth: int, budget: Budget) -> Iterator[Node]:
    for key, item in islice(items, budget.children):
        if budget.values <= 0:
            return
        yield _node(item, None if key is None else str(key), depth + 1, budget)


def _leaf(value: object, characters: int) -> tuple[str, str]:
    if value is None or isinstance(value, bool):
        return ("null", "null") if value is None else ("boolean", str(value).lower())
    if isinstance(value, int | float):
        return "number", _number(value)
    if isinstance(value, bytes):
        return "more", f"{len(value):,} bytes"
    text = str(value)
    if len(text) > characters:
        text = f"{text[:characters]}… {len(text) - characters:,} more characters"
    return "string", text


def _number(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        return hex(int(value))


def sparkline(values: Sequence[float], width: int = 120, height: int = 32) -> str:
    """The points of a polyline through the values, from left to right, highest on top.

    >>> sparkline([0, 2, 1], width=10, height=4)
    '0,4 5,0 10,2'
    """
    top = max(values, default=0) or 1
    step = width / max(len(values) - 1, 1)
    points = ((i * step, height - value / top * height) for i, value in enumerate(values))
    return " ".join(f"{x:g},{y:g}" for x, y in points)
