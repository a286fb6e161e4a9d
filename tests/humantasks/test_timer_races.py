"""Several workers who look at the same moment: what is to happen to a task happens once.

On PostgreSQL only, because SQLite lets one writer in at a time.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from humantasks import HumanTaskType, Sla, human_task_type, inbox
from humantasks.inbox import timing
from humantasks.models import HumanTask, TaskAudit, TaskTimer
from orchestrator import clock
from tests.humantasks.proposing import now
from tests.humantasks.racing import at_once

pytestmark = pytest.mark.postgres


@pytest.fixture
def overdue(ask):
    @human_task_type("timed")
    class Timed(HumanTaskType):
        sla = Sla(due="1h", escalate=[("+0", "head")])

    task = ask(type="timed")
    TaskTimer.objects.update(fires_at=clock.now() - timedelta(minutes=1))
    return task


def test_of_four_who_look_at_once_one_escalates(overdue):
    found = at_once(*[inbox.tend] * 4)

    assert sum(found) == 1
    assert now(overdue).escalation_level == 1
    assert TaskAudit.objects.filter(verb="escalated").count() == 1


def test_without_the_condition_it_would_be_escalated_again(overdue, monkeypatch):
    all_have_looked = threading.Barrier(4, timeout=10)

    @transaction.atomic
    def look_then_write(timer: TaskTimer) -> bool:
        fired = TaskTimer.objects.get(pk=timer.pk).fired_at
        all_have_looked.wait()
        if fired is not None:
            return False
        TaskTimer.objects.filter(pk=timer.pk).update(fired_at=clock.now())
        level = F("escalation_level") + 1
        HumanTask.objects.filter(pk=timer.task_id).update(escalation_level=level)
        return True

    monkeypatch.setattr(timing, "_fire", look_then_write)

    at_once(*[inbox.tend] * 4)

    assert now(overdue).escalation_level > 1


def test_a_decision_and_an_escalation_have_one_order(overdue, alice):
    inbox.claim(overdue, user=alice)

    decision, _tended = at_once(
        lambda: inbox.complete(overdue, user=alice, outcome="approve", data={"risk": "low"}),
        inbox.tend,
    )

    assert decision.outcome == "approve"
    verbs = list(TaskAudit.objects.order_by("seq").values_list("verb", flat=True))
    assert verbs[-1] == "completed" or "escalated" not in verbs
