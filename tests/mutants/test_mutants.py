"""Each mutant is noticed by its test, in a process of its own on PostgreSQL: `make mutants`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.mutants.switch import PASSED
from tests.mutants.table import MUTANTS

pytestmark = [pytest.mark.mutants, pytest.mark.postgres, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]

# Runs tests by their ids; how each ended.
Run = Callable[..., Mapping[str, str]]


@pytest.fixture(scope="session")
def database(worker_id: str) -> Iterator[str]:
    """The URL of a database for this process alone, whose test database is made once."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"mutants_{worker_id}"
    yield urlunsplit(url._replace(path=f"/{name}"))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "test_{name}"')


@pytest.fixture(scope="session")
def run(database: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    report = tmp_path_factory.mktemp("mutants") / "report.json"

    def run(*tests: str, mutant: str = "", anew: bool = False) -> Mapping[str, str]:
        report.unlink(missing_ok=True)
        given = {"DATABASE_URL": database, "MUTANT": mutant, "MUTANT_REPORT": str(report)}
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.switch"),
                *("-p", "no:cacheprovider", "-p", "no:randomly", "--timeout", "60"),
                *("--reuse-db", *(["--create-db"] if anew else []), *tests),
            ],
            cwd=ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        found: dict[str, str] = json.loads(report.read_text()) if report.exists() else {}
        # The wrong way to fail is shown with all that was said.
        assert set(found) == set(tests), ran.stdout + ran.stderr
        return found

    # Makes the database, so that each mutant need not.
    assert run(MUTANTS[0].killer, anew=True) == {MUTANTS[0].killer: PASSED}
    return run


def test_every_test_passes_while_its_mutant_is_off(run: Run) -> None:
    killers = sorted({one.killer for one in MUTANTS})

    assert run(*killers) == dict.fromkeys(killers, PASSED)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_is_noticed(run: Run, mutant) -> None:
    assert run(mutant.killer, mutant=mutant.name) == {mutant.killer: mutant.error}, mutant.harm
