"""The faults that a test has asked for, and those of them that never happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator import failpoints, models
from orchestrator.core.journal import STEP
from orchestrator.failpoints import Failpoint


@dataclass(frozen=True, slots=True)
class Fault:
    """One call of the `runs` fixture that armed a failpoint, as the test wrote it."""

    call: str
    failpoint: Failpoint


class Faults:
    """All faults of one test."""

    def __init__(self) -> None:
        self._made: list[Fault] = []

    def arm(self, verb: str, name: str, **options: Any) -> None:
        """Arm a failpoint. `verb` is what the test called. Raises ValueError."""
        failpoint = failpoints.arm(name, **options)
        given = [repr(name)] if verb == "crash_at" else []
        shown = ("step", "attempt", "times", "run_id")
        usual = {"step": None, "attempt": None, "times": 1, "run_id": None}
        given += [
            f"{option}={options[option]!r}"
            for option in shown
            if options.get(option, usual[option]) != usual[option]
        ]
        self._made.append(Fault(f"runs.{verb}({', '.join(given)})", failpoint))

    def unmet(self) -> list[str]:
        """What the test asked for in vain of a step, a sentence each: a typo is found this way.

        To which other points runs come is theirs to decide: not every run parks.
        """
        unmet = [one for one in self._made if one.failpoint.step and not one.failpoint.hits]
        if not unmet:
            return []
        executed = _executed()
        return [f"{one.call} never happened. {_hint(one.failpoint, executed)}" for one in unmet]


def _hint(failpoint: Failpoint, executed: str) -> str:
    if failpoint.is_timeout:
        return f"Only a step with timeout= can time out. {executed}"
    return executed


def _executed() -> str:
    steps = models.Entry.objects.filter(kind=STEP).order_by("run_id", "position")
    texts = [_attempts(key, number) for key, number in steps.values_list("key", "attempt")]
    return f"The journal has: {', '.join(_once(texts))}." if texts else "The journal has no step."


def _attempts(key: str, number: int) -> str:
    return f"{key} ({number} attempts)" if number > 1 else key


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))[:20]
