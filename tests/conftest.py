"""What every test may use: one cast of people, and the rules of a test session.

DATABASE_URL decides the database; without it, it is SQLite. `make test` runs both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as examples
from pytest_django import DjangoDbBlocker

from orchestrator.testing import registrations
from tests import emptying

# What differs between databases is the engine and the inbox. The rest of the suite would
# only repeat itself on PostgreSQL.
ON_BOTH_DATABASES = {"orchestrator", "conformance", "humantasks", "api"}

# What authors of workflows get for their own tests: `runs`, among others.
pytest_plugins = ["orchestrator.testing.plugin"]

TESTS = Path(__file__).parent

# Their packages are installed by `make e2e` alone.
collect_ignore = [] if find_spec("playwright") else ["e2e"]

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


# How long an example takes says something about the machine, and nothing about the code.
examples.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
examples.load_profile("any machine")


def pytest_configure() -> None:
    # The real one takes a tenth of a second for each login, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # It would look through all static files for each test that has a browser.
    settings.WHITENOISE_AUTOREFRESH = True
    TransactionTestCase._fixture_teardown = lambda _: emptying.empty()  # type: ignore[attr-defined]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this database cannot show, and on PostgreSQL what it need not repeat.

    Who names files or folders gets all of them on PostgreSQL.
    """
    is_whole_suite = [Path(arg).resolve() for arg in config.args] == [TESTS]
    keep, leave = [], []
    for item in items:
        (keep if _belongs(item, is_whole_suite=is_whole_suite) else leave).append(item)
    config.hook.pytest_deselected(items=leave)
    items[:] = keep


def _belongs(item: pytest.Item, *, is_whole_suite: bool) -> bool:
    if connection.vendor == "sqlite":
        return item.get_closest_marker("postgres") is None
    if item.get_closest_marker("sqlite"):
        return False
    room = item.path.relative_to(TESTS).parts[0]
    is_about_postgres = item.get_closest_marker("postgres") is not None
    return not is_whole_suite or is_about_postgres or room in ON_BOTH_DATABASES


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _no_skip_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _no_skip_in_ci((yield))


def _no_skip_in_ci(report: Report) -> Report:
    """On a laptop a missing Redis or browser skips its tests; in CI that would hide them."""
    if report.skipped and not hasattr(report, "wasxfail") and "ORCHESTRATOR_CI" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"Skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite as a file. In memory, threads share one cache, without WAL and without waiting.

    A commit need not reach the disk: a process that is killed loses nothing by that.
    """
    if connection.vendor == "sqlite":
        options = connection.settings_dict["OPTIONS"]
        options["init_command"] += "; PRAGMA synchronous=OFF"
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        emptying.remember()


Person = Callable[..., User]


@pytest.fixture
def person(db: None) -> Person:
    """Make a user: `person("dana", "editors", is_staff=True)`. The password is the name."""

    def make(name: str, *groups: str, **fields: object) -> User:
        user = User.objects.create_user(name, f"{name}@example.org", name, **fields)
        user.groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
        return user

    return make


# The cast. Alice and Bob do the same work, so they race; Carol's work is none of theirs.


@pytest.fixture
def alice(person: Person) -> User:
    return person("alice", "compliance-team", first_name="Alice")


@pytest.fixture
def bob(person: Person) -> User:
    return person("bob", "compliance-team", first_name="Bob")


@pytest.fixture
def carol(person: Person) -> User:
    return person("carol", "editors", first_name="Carol")


@pytest.fixture
def oscar(person: Person) -> User:
    """The operator, who watches runs and completes no tasks."""
    return person("oscar", "operators", first_name="Oscar", is_staff=True)


@pytest.fixture(autouse=True)
def workflows_of_this_test() -> Iterator[None]:
    """Forget the workflows and kinds of waits that a test has registered."""
    with registrations.temporary():
        yield
