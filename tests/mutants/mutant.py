"""A mutant: the real code of one module with one of its guards taken out."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class DoesNotApply(Exception):
    """The code that a mutant changes is not there (any more), or there more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """In `module`, `takes` is replaced by `puts`; the test `killer` must then fail."""

    name: str
    # What goes wrong without the guard.
    harm: str
    module: str
    takes: str
    puts: str
    # A test's id: `path::function[parameters]`.
    killer: str
    # With what it fails: an assertion of its own, `result()` of a run that has no result, or
    # the constraint in the database that stands behind the guard.
    error: str = "AssertionError"

    @property
    def path(self) -> Path:
        spec = find_spec(self.module)
        if spec is None or spec.origin is None:
            raise DoesNotApply(f"{self.name}: there is no module {self.module}")
        return Path(spec.origin)

    def source(self) -> str:
        """The text of the module without its guard. Raises DoesNotApply."""
        text = self.path.read_text()
        if (count := text.count(self.takes)) != 1:
            raise DoesNotApply(
                f"{self.name}: {self.module} has this {count} times, not once:\n{self.takes}\n"
                "Write in tests/mutants/table.py how the guard reads now; "
                "where it has gone on purpose, remove the mutant."
            )
        return text.replace(self.takes, self.puts)
