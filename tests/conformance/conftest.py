"""What the tests of the contract share. They use public names and the `runs` fixture alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management.color import no_style
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.conformance.world import Effect

# What these tests write: runs, tasks and users.
WRITTEN = ("orchestrator_", "humantasks_", "auth_user")


@pytest.fixture
def effect() -> Effect:
    return Effect()


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As pytest-django's, but empties what is written here and nothing else.

    Django's flush makes every permission again, which would take most of each test's time.
    """
    with django_db_blocker.unblock():
        yield
        tables = [
            name for name in connection.introspection.table_names() if name.startswith(WRITTEN)
        ]
        flush = connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
        connection.ops.execute_sql_flush(flush)
