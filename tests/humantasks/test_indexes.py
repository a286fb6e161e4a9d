"""The lists use their indexes. PostgreSQL says how; small tables need a nudge."""

from __future__ import annotations

import pytest
from django.db import connection

from humantasks.models import HumanTask

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


@pytest.fixture
def plan():
    with connection.cursor() as cursor:
        cursor.execute(
            "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off"
        )
    yield lambda tasks: tasks.explain()
    with connection.cursor() as cursor:
        cursor.execute("RESET ALL")


def test_the_queue(plan, alice):
    tasks = HumanTask.objects.queue_of(alice).most_pressing_first()

    assert "using task_open" in plan(tasks[:50])


def test_all_open_tasks(plan, alice):
    tasks = HumanTask.objects.open_for(alice).most_pressing_first()

    assert "using task_open" in plan(tasks[:50])


def test_my_work(plan, alice):
    tasks = HumanTask.objects.my_work(alice).most_pressing_first()

    assert "using task_my_work" in plan(tasks[:50])


def test_done(plan, alice):
    tasks = HumanTask.objects.done_by(alice).latest_first()

    assert "using task_done" in plan(tasks[:50])
