"""The lists use their indexes. PostgreSQL says how; small tables need a nudge."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from humantasks.inbox import seats
from humantasks.models import HumanTask, TaskTimer

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


def test_the_queue_by_due_times(plan, alice):
    tasks = HumanTask.objects.queue_of(alice).due_first()

    assert "using task_due" in plan(tasks[:50])


def test_what_is_to_be_checked(plan, alice):
    tasks = HumanTask.objects.to_check(alice).most_pressing_first()

    assert "using task_in_review" in plan(tasks[:50])


def test_what_was_checked(plan, alice):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_bitmapscan = on; SET enable_sort = on")

    tasks = HumanTask.objects.checked_by(alice).latest_first()

    assert "decision_in_review" in plan(tasks[:50])


def test_all_open_tasks(plan, alice):
    tasks = HumanTask.objects.open_for(alice).most_pressing_first()

    assert "using task_open" in plan(tasks[:50])


def test_my_work(plan, alice):
    """Both what one holds and what one is asked about has its index; the few rows are sorted."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_bitmapscan = on; SET enable_sort = on")

    found = plan(HumanTask.objects.my_work(alice).most_pressing_first()[:50])

    assert "on task_my_work" in found
    assert "on task_asked_of" in found


def test_the_next_task(plan, alice):
    free = HumanTask.objects.free_for(alice).not_passed_by(alice).most_pressing_first()

    assert "using task_open" in plan(free[:1])


def test_what_ends_by_itself(plan, alice):
    late = HumanTask.objects.filter(claim_expires_at__lt=timezone.now(), status="claimed")
    due = HumanTask.objects.filter(paused_until__lte=timezone.now(), status="paused")

    assert "using task_lease" in plan(late)
    assert "using seat_lease" in plan(seats.run_out(timezone.now()))
    timers = TaskTimer.objects.filter(fired_at=None, fires_at__lte=timezone.now())
    assert "using timer_fires" in plan(timers)
    assert "using task_wakes" in plan(due)


def test_done(plan, alice):
    tasks = HumanTask.objects.done_by(alice).latest_first()

    assert "using task_done" in plan(tasks[:50])
