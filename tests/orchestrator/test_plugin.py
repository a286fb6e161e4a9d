"""The pytest plugin in projects of other people: each test runs pytest in one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "orchestrator"]
"""

WORKFLOWS = """
from orchestrator import Context, Retry, workflow

def charge():
    raise ConnectionError("the bank is away")

@workflow(name="order")
async def order(ctx: Context) -> str:
    await ctx.wait_for_event("packed")
    await ctx.step("charge", charge, retry=Retry(max_attempts=1))
    return "done"
"""

TESTS = """
import pytest
from orchestrator import Context, workflow
from shop import order

def test_with_a_stand_in(runs):
    @workflow(name="order")
    async def order(ctx: Context) -> str:
        return "not the real one"

    assert runs.start(order).result() == "not the real one"

def test_with_a_workflow_of_its_own(runs):
    @workflow(name="own")
    async def own(ctx: Context) -> int:
        return 1

    assert runs.start(own).result() == 1

def test_with_another_one_of_that_name(runs):
    @workflow(name="own")
    async def own(ctx: Context) -> int:
        return 2

    assert runs.start(own).result() == 2

def test_alone(runs):
    runs.expect(runs.start(order), "waiting")

def test_with_db(db, runs):
    assert runs.start(order).status == "waiting"

@pytest.mark.django_db
def test_with_the_mark(runs):
    assert runs.start(order).status == "waiting"

def test_with_transactional_db(transactional_db, runs):
    assert runs.start(order).status == "waiting"

def test_that_fails(runs):
    run = runs.start(order)
    runs.send_event(run, "packed")
    assert run.status == "completed"

def test_with_a_typo(runs):
    runs.fail(step="chrage", error=ValueError("x"))
    runs.start(order)

def test_that_fails_with_a_typo(runs):
    runs.fail(step="chrage", error=ValueError("x"))
    assert runs.start(order).status == "completed"
"""


BARE = """
import sys

def test_nothing_was_imported():
    assert "django" not in sys.modules

def test_asking(runs):
    pass
"""


@pytest.fixture
def project(tmp_path):
    """A project with the package installed: its entry points are found, and nothing else."""
    (tmp_path / "shop_settings.py").write_text(SETTINGS)
    (tmp_path / "shop.py").write_text(WORKFLOWS)
    (tmp_path / "test_shop.py").write_text(TESTS)
    (tmp_path / "test_bare.py").write_text(BARE)
    installed = tmp_path / "site" / "django_orchestrator-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Name: django-orchestrator\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(entry_points())
    return tmp_path


def entry_points() -> str:
    """What an installer writes of the entry points of this project."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"{name} = {place}" for name, place in declared["pytest11"].items()]
    return "\n".join(["[pytest11]", *lines, ""])


def run_pytest(project: Path, *options: str) -> str:
    """What pytest prints in the project."""
    paths = os.pathsep.join([str(project / "site"), str(project), str(ROOT)])
    plain = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-ra"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, *options],
        cwd=project,
        env={"PYTHONPATH": paths, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.sqlite
def test_authors_need_nothing_but_the_package(project):
    text = run_pytest(project, "--ds", "shop_settings", "test_shop.py")

    assert "2 failed, 8 passed, 1 error" in text, text
    assert "FAILED test_shop.py::test_that_fails -" in text
    # The report of a failing test says where its runs are, and why.
    assert "Runs of this test" in text
    assert "of order 1 is failed\n  builtins:ConnectionError: the bank is away" in text
    # A fault that never happened is an error, but no further one where the test failed.
    assert "ERROR test_shop.py::test_with_a_typo" in text
    assert "runs.fail(step='chrage') never happened. The journal has no step." in text


@pytest.mark.sqlite
def test_without_pytest_django_it_says_what_is_missing_and_imports_nothing(project):
    text = run_pytest(project, "-p", "no:django", "test_bare.py")

    assert "1 passed, 1 error" in text, text
    assert "the `runs` fixture needs pytest-django" in text
