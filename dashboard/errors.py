"""Recorded failures as people read them: a sentence, the message, the frames that matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from dashboard.redaction import redacted_text
from orchestrator.core.signatures import FOREIGN, FRAME

# Blocked by the engine itself: these messages name steps and code, and hold no values.
WITHOUT_VALUES = frozenset(
    {"NoCode", "NonDeterminism", "Quarantined", "SwallowedSuspension", "StuckBody", "NeverIdle"}
)

MAX_LINE = 160


@dataclass(frozen=True)
class Frame:
    """One place in a traceback."""

    path: str
    line: int
    function: str
    code: str

    @property
    def is_app(self) -> bool:
        """Whether it is the author's code, and not a library's or the engine's."""
        return not FOREIGN.search(self.path)

    @property
    def place(self) -> str:
        """The path from the package that people know it by."""
        return FOREIGN.split(self.path)[-1] if "-packages/" in self.path else self.path


@dataclass(frozen=True)
class Frames:
    """Neighbouring frames that are shown or folded together."""

    is_app: bool
    frames: tuple[Frame, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A recorded failure. Who may not see payloads gets its type and no more."""

    type: str
    full_type: str
    message: str | None
    groups: tuple[Frames, ...] = ()
    # A traceback that could not be taken apart.
    raw: str = ""
    causes: tuple[Problem, ...] = ()

    @property
    def is_hidden(self) -> bool:
        return self.message is None


def problem(failure: Mapping[str, Any] | None, *, is_visible: bool) -> Problem | None:
    """The recorded `failure` for a page; None when there is none."""
    if not failure:
        return None
    causes = tuple(_problem(one, is_visible) for one in _behind(failure))
    return _problem(failure, is_visible, causes)


def _behind(failure: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What led to a failure: the errors of a group, and each error's cause."""
    for one in [*failure.get("errors", ()), failure.get("cause")]:
        if one:
            yield one
            yield from _behind(one)


def _problem(
    failure: Mapping[str, Any], is_visible: bool, causes: tuple[Problem, ...] = ()
) -> Problem:
    full_type = str(failure.get("type", "Error"))
    name = short_type(full_type)
    if not is_visible and name not in WITHOUT_VALUES:
        return Problem(type=name, full_type=full_type, message=None, causes=causes)
    text = str(failure.get("traceback", ""))
    groups = tuple(frames(text))
    return Problem(
        type=name,
        full_type=full_type,
        message=redacted_text(str(failure.get("message", ""))),
        groups=groups,
        raw="" if groups else redacted_text(text),
        causes=causes,
    )


def why(failure: Mapping[str, Any] | None, *, is_blocked: bool) -> str:
    """What a recorded failure of a run means, in a sentence."""
    if not failure:
        return ""
    if is_blocked:
        return _BLOCKED.get(short_type(str(failure.get("type", ""))), _BLOCKED_OTHERWISE)
    if failure.get("timed_out"):
        return "It took longer than its workflow allows a run."
    if key := failure.get("key"):
        return f"The step {key} failed, and the run ended with its error."
    return "The workflow's own code raised this, outside of any step."


_BLOCKED = {
    "NonDeterminism": (
        "The code asks for something else than what this run has recorded: it was changed while "
        "the run was under way."
    ),
    "NoCode": (
        "No worker has the code of its version: it was removed, or the workers that have it do "
        "not run."
    ),
    "UndecodableValue": "A value that this run has stored cannot be read by today's code.",
    "Quarantined": "It kept killing the workers that held it, so no worker takes it any more.",
}
_BLOCKED_OTHERWISE = "The workflow's code does something that cannot be carried on durably."


def line(full_type: str | None, message: str | None, *, is_visible: bool) -> str:
    """A failure in one line: `ValueError: no such account`; only its type if need be.

    >>> line("shop.errors:CardDeclined", "no funds\\nask the bank", is_visible=True)
    'CardDeclined: no funds'
    """
    name = short_type(full_type or "Error")
    first = redacted_text((message or "").partition("\n")[0])
    if not first or not (is_visible or name in WITHOUT_VALUES):
        return name
    text = f"{name}: {first}"
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def short_type(full_type: str) -> str:
    """A class without its module.

    >>> short_type("requests.exceptions:HTTPError")
    'HTTPError'
    """
    return full_type.rpartition(":")[2].rpartition(".")[2]


def frames(traceback: str) -> list[Frames]:
    """The frames of a traceback, neighbours of one sort together.

    Empty when there are none to find. The message at its end is no part of it.
    """
    return [
        Frames(is_app, tuple(group))
        for is_app, group in groupby(_frames(traceback), lambda one: one.is_app)
    ]


def _frames(traceback: str) -> list[Frame]:
    found: list[Frame] = []
    for text in traceback.splitlines():
        if match := FRAME.match(text):
            found.append(Frame(match["path"], int(match["line"]), match["function"], ""))
        elif found and text.startswith("    ") and not found[-1].code:
            last = found[-1]
            found[-1] = replace(last, code=redacted_text(text.strip()))
        elif not text.startswith(" ") and found:
            break
    return found
