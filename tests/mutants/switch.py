"""A pytest plugin, for the process in which a mutant is switched on.

`pytest -p tests.mutants.switch` with MUTANT=name loads the mutant's module without its guard,
and writes to the file MUTANT_REPORT how each test ended. Without MUTANT it only writes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.table import MUTANTS

PASSED = "passed"

_ended: dict[str, str] = {}


class _Loader(SourceFileLoader):
    """Loads the mutant's text, and no compiled file of the module as it was."""

    mutant: Mutant

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.mutant.source(), self.path)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin)
        spec.loader.mutant = self._mutant
        return spec


def switch_on(mutant: Mutant) -> None:
    if mutant.module in sys.modules:
        raise pytest.UsageError(f"{mutant.module} was imported before {mutant.name} was on")
    sys.meta_path.insert(0, _Finder(mutant))


if name := os.environ.get("MUTANT"):
    switch_on(next(one for one in MUTANTS if one.name == name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" or not report.passed:
        _ended.setdefault(item.nodeid, _how(call))
    return report


def _how(call: pytest.CallInfo[None]) -> str:
    if call.excinfo is None:
        return PASSED
    error = call.excinfo.value
    if isinstance(error, pytest.fail.Exception) and str(error).startswith("DID NOT RAISE"):
        # An assertion of `pytest.raises`.
        error = AssertionError()
    # What fails before or after the test itself is no notice of anything.
    return type(error).__name__ if call.when == "call" else f"{call.when}: {error!r}"


def pytest_sessionfinish() -> None:
    if path := os.environ.get("MUTANT_REPORT"):
        Path(path).write_text(json.dumps(_ended))
