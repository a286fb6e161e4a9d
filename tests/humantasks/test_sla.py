"""By when a task is begun and done, and what happens when it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from humantasks import FourEyes, HumanTaskType, Sla, human_task_type, inbox
from humantasks.models import HumanTask, TaskAudit, TaskTimer, TeamProfile, WorkCalendar
from orchestrator import clock, get_run
from tests.humantasks.proposing import now

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture
def timed(ask):
    """A task of a type with these times: `timed(due="2h")`."""

    def make(initiator=None, **options):
        @human_task_type("timed")
        class Timed(HumanTaskType):
            sla = Sla(**options)

        return ask(type="timed", form=None, initiator=initiator)

    return make


@pytest.fixture
def head(person):
    return person("hanna", "head", first_name="Hanna")


def verbs():
    return [one.verb for one in TaskAudit.objects.order_by("seq")]


# ---- planning ------------------------------------------------------------------------


def test_a_type_says_when_its_tasks_are_begun_and_due(timed):
    task = timed(start="30m", due="2h")

    assert task.start_by - task.created_at == timedelta(minutes=30)
    assert task.due_at - task.created_at == timedelta(hours=2)


def test_hours_of_work_are_counted_in_the_calendar(timed):
    WorkCalendar.objects.create(
        name="sundays", zone="Europe/Berlin", hours={"sun": [["09:00", "10:00"]]}
    )

    task = timed(due="1bh", calendar="sundays")

    sundays = WorkCalendar.objects.get().counted
    assert task.due_at == sundays.after(task.created_at, timedelta(hours=1))
    assert task.due_at.astimezone(sundays.zone).weekday() == 6


def test_a_calendar_that_is_missing_stops_no_run(timed, caplog):
    task = timed(due="4bh", calendar="nowhere")

    assert task.due_at - task.created_at == timedelta(hours=4)
    assert "working calendar 'nowhere'" in caplog.text


def test_what_the_body_says_wins(ask):
    @human_task_type("timed")
    class Timed(HumanTaskType):
        sla = Sla(due="2h")

    task = ask(type="timed", due="5h")

    assert task.due_at - task.created_at == timedelta(hours=5)


def test_a_calendar_is_checked_where_it_is_set_up():
    with pytest.raises(ValidationError, match="there is no time zone"):
        WorkCalendar(name="x", zone="Mars/Base").clean()
    WorkCalendar(name="x", zone="UTC").clean()


# ---- escalating ----------------------------------------------------------------------


def test_an_overdue_task_goes_to_the_next_team_once(timed, head, runs):
    task = timed(due="2h", escalate=[("+0", "head")])
    assert not HumanTask.objects.answerable_by(head).exists()

    runs.advance("3h")
    inbox.tend()
    inbox.tend()

    assert (now(task).escalation_level, now(task).priority) == (1, 50)
    assert inbox.claim(task, user=head).assignee == head
    [entry] = TaskAudit.objects.filter(verb="escalated")
    assert (entry.actor, entry.code, entry.reason) == (None, "overdue", "head")


def test_an_overdue_check_goes_to_further_checkers(ask, alice, person, head, runs):
    person("cleo", "compliance-leads")

    @human_task_type("timed")
    class Timed(HumanTaskType):
        review = FourEyes("compliance-leads")
        sla = Sla(due="1h", escalate=[("+0", "head"), ("+0", "group:head")])

    task = ask(type="timed", form=None)
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve")

    runs.advance("2h")
    inbox.tend()

    assert now(task).escalation_level == 2
    inbox.claim(task, user=head)
    assert inbox.approve(task, user=head).user == head


def test_the_chain_goes_on_in_its_order(timed, head, person, runs):
    task = timed(due="1h", escalate=[("+1h", "head"), ("+1d", "board")])

    runs.advance("90m")
    inbox.tend()
    assert now(task).escalation_level == 0
    runs.advance("1h")
    inbox.tend()
    assert now(task).escalation_level == 1
    runs.advance("2d")
    inbox.tend()

    assert now(task).escalation_level == 2
    assert [one.reason for one in TaskAudit.objects.filter(verb="escalated").order_by("seq")] == [
        "head",
        "board",
    ]


def test_what_was_missed_while_nobody_ran_happens_then(timed, runs):
    task = timed(due="1h", escalate=[("+0", "head"), ("+1h", "board")])
    # No worker looks meanwhile: the clock alone moves.
    TaskTimer.objects.update(fires_at=clock.now() - timedelta(days=3))

    inbox.tend()

    assert now(task).escalation_level == 2
    assert not TaskTimer.objects.filter(fired_at=None).exists()


def test_a_task_that_has_ended_is_not_escalated(timed, alice, runs):
    task = timed(due="1h", escalate=[("+0", "head")])
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve")

    runs.advance("2h")
    inbox.tend()

    assert "escalated" not in verbs()


def test_a_due_time_that_moves_takes_its_chain_along(timed, alice, person, runs):
    lena = person("lena")
    TeamProfile.objects.create(group=alice.groups.get()).leads.add(lena)
    task = timed(due="1h", escalate=[("+1h", "head")])

    inbox.set_due(task, user=lena, due_at=task.due_at + timedelta(hours=4), reason="a holiday")
    assert TaskTimer.objects.get().fires_at == task.due_at + timedelta(hours=5)
    inbox.set_due(task, user=lena, due_at=None, reason="no hurry")

    assert TaskTimer.objects.get().fires_at is None
    runs.advance("9d")
    inbox.tend()
    assert "escalated" not in verbs()


def test_the_clock_stands_still_while_an_answer_is_waited_for(timed, alice, carol, runs):
    task = inbox.claim(timed(due="2h", escalate=[("+0", "head")], initiator=carol), user=alice)
    runs.advance("1h")
    inbox.request_info(task, user=alice, question="Which passport?")

    runs.advance("5h")
    inbox.tend()
    assert "escalated" not in verbs()
    inbox.answer_info(task, user=carol, text="The new one")

    waited = now(task).due_at - task.due_at
    assert abs(waited - timedelta(hours=5)) < timedelta(minutes=1)
    assert abs(now(task).paused_seconds - 5 * 3600) < 60
    assert TaskTimer.objects.get().fires_at == now(task).due_at


def test_in_a_calendar_only_work_is_waited_for(timed, alice, carol, runs):
    WorkCalendar.objects.create(name="all", zone="UTC", hours=ALWAYS)
    task = timed(due="8bh", calendar="all", initiator=carol)
    inbox.claim(task, user=alice)
    inbox.request_info(task, user=alice, question="Which passport?")
    runs.advance("3h")

    answered = inbox.answer_info(task, user=carol, text="The new one")

    moved = answered.due_at - task.due_at
    assert abs(moved - timedelta(hours=3)) < timedelta(minutes=1)


def test_the_result_says_how_long_people_had_it(timed, alice, carol, runs):
    task = inbox.claim(timed(due="2h", initiator=carol), user=alice)
    runs.advance("1h")
    inbox.request_info(task, user=alice, question="Which passport?")
    runs.advance("5h")
    inbox.answer_info(task, user=carol, text="The new one")
    runs.advance("30m")
    inbox.complete(task, user=alice, outcome="approve")
    runs.drain()

    taken = get_run(task.run_id).result(timeout=0).working_seconds
    assert abs(taken - 90 * 60) < 120


# ---- what is shown -------------------------------------------------------------------


def test_the_page_says_when_it_is_due_soon_and_late(client, timed, alice):
    task = timed(start="1h", due="10h")
    client.force_login(alice)
    url = reverse("humantasks:task", args=[task.pk])

    assert "begin by" in client.get(url).content.decode()
    at = timezone.now()
    HumanTask.objects.update(
        created_at=at - timedelta(hours=9), start_by=at - timedelta(hours=8),
        due_at=at + timedelta(hours=1),
    )  # fmt: skip
    text = client.get(url).content.decode()

    assert "Not begun in time" in text
    assert "Due soon" in text
    assert "Overdue" not in text


def test_the_history_says_who_gets_an_overdue_task(client, timed, alice, runs):
    task = timed(due="1h", escalate=[("+0", "head")])
    runs.advance("2h")
    inbox.tend()
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert "escalated the task to head: it is overdue" in text


def test_a_team_that_is_made_later_gets_what_was_escalated_to_it(timed, person, runs):
    task = timed(due="1h", escalate=[("+0", "new-team")])
    runs.advance("2h")
    inbox.tend()

    late = person("nina")
    late.groups.add(Group.objects.create(name="new-team"))

    assert list(HumanTask.objects.answerable_by(late)) == [task]
