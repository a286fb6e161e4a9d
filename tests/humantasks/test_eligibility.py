"""Who may answer: teams, persons, and never who asked."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import Group

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.inbox import Code, NotEligible
from humantasks.models import HumanTask, Status, TaskAudit


def test_who_started_the_run_may_not_claim_its_task(ask, alice, bob):
    task = ask(initiator=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)

    assert refused.value.code == Code.REQUESTER
    assert inbox.claim(task, user=bob).assignee == bob


def test_the_try_is_in_the_audit(ask, alice):
    task = ask(initiator=alice)

    with pytest.raises(NotEligible):
        inbox.claim(task, user=alice)

    entry = TaskAudit.objects.get(task=task, verb="claim_refused")
    assert (entry.actor, entry.code) == (alice, "requester")


def test_a_superuser_is_no_exception(ask, person):
    boss = person("boss", "compliance-team", is_superuser=True)
    task = ask(initiator=boss)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=boss)

    assert refused.value.code == Code.REQUESTER


def test_a_superuser_outside_the_team_may_look_and_not_claim(task, person):
    boss = person("boss", is_superuser=True)

    assert HumanTask.objects.visible_to(boss).exists()
    with pytest.raises(NotEligible):
        inbox.claim(task, user=boss)


def test_a_type_may_let_the_requester_answer(ask, alice):
    @human_task_type("self-check")
    class SelfCheck(HumanTaskType):
        requester_may_answer = True

    task = ask(initiator=alice, type=SelfCheck)

    assert inbox.claim(task, user=alice).assignee == alice


def test_who_left_the_team_can_no_longer_complete(task, alice):
    inbox.claim(task, user=alice)
    alice.groups.clear()

    with pytest.raises(NotEligible):
        inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})

    assert HumanTask.objects.get().status == Status.CLAIMED


def test_a_deactivated_person_cannot_claim(task, alice):
    alice.is_active = False
    alice.save()

    with pytest.raises(NotEligible):
        inbox.claim(task, user=alice)


def test_a_single_person_gets_the_task_at_once(ask, carol):
    task = ask(assign_to="carol")

    assert (task.status, task.assignee, task.team) == (Status.CLAIMED, carol, None)
    entry = TaskAudit.objects.get(task=task)
    assert (entry.verb, entry.code, entry.reason) == ("created", "assigned", "Carol")


def test_a_team_comes_before_a_person_of_the_same_name(ask, person):
    person("legal")
    team = Group.objects.create(name="legal")

    task = ask(assign_to="legal")

    assert (task.status, task.team) == (Status.READY, team)


def test_a_prefix_says_which_is_meant(ask, person):
    legal = person("legal")
    Group.objects.create(name="legal")

    assert ask(assign_to="user:legal").assignee == legal


def test_several_may_be_named(ask, alice, carol):
    task = ask(assign_to=["compliance-team", "carol"])

    assert (task.status, task.team.name) == (Status.READY, "compliance-team")
    assert HumanTask.objects.answerable_by(alice).count() == 1
    assert HumanTask.objects.answerable_by(carol).count() == 1


def test_a_task_for_an_unknown_team_stops_nothing_and_is_reported(ask, caplog):
    with caplog.at_level(logging.WARNING, "humantasks"):
        task = ask(assign_to="the-moon")

    assert (task.status, task.unroutable) == (Status.READY, True)
    assert "reaches nobody" in caplog.text


def test_a_team_that_is_made_later_gets_its_tasks(ask, person):
    task = ask(assign_to="the-moon")

    neil = person("neil", "the-moon")

    assert HumanTask.objects.queue_of(neil).get() == task
    assert inbox.claim(task, user=neil).unroutable is False


def test_an_unknown_name_never_becomes_a_person(ask, person):
    ask(assign_to="the-moon")

    intruder = person("the-moon")

    assert not HumanTask.objects.visible_to(intruder).exists()


def test_a_team_whose_only_member_asks_reaches_nobody(ask, person):
    solo = person("solo", "one-man-team")

    task = ask(initiator=solo, assign_to="one-man-team")

    assert task.unroutable
    with pytest.raises(NotEligible):
        inbox.claim(task, user=solo)


def test_a_team_that_is_deleted_and_made_again_gets_its_tasks_back(task, alice):
    Group.objects.filter(name="compliance-team").delete()
    assert not HumanTask.objects.visible_to(alice).exists()

    alice.groups.add(Group.objects.create(name="compliance-team"))

    assert HumanTask.objects.queue_of(alice).get() == task
