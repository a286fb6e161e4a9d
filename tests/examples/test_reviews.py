"""A reviewers' morning: every act of the demo is possible, by the rules that hold for people."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import InMemoryStorage

from examples.reviews import demo
from examples.reviews.day import do
from examples.reviews.kinds import Missing, Screening
from examples.reviews.workflows import renew, screen
from humantasks import inbox
from humantasks.models import HumanTask, TaskAttachment
from orchestrator.models import Run


@pytest.fixture(autouse=True)
def store(monkeypatch):
    field = TaskAttachment._meta.get_field("file")
    monkeypatch.setattr(field, "storage", InMemoryStorage())


@pytest.fixture
def team(ruth, edda, person):
    person("ravi", "compliance-team")
    lena = person("lena", "compliance-team", "content-team")
    for group in Group.objects.all():
        inbox.make_lead(group, lena)
    return ruth


def test_the_morning_of_the_demo_goes_as_it_is_written(runs, team):
    demo.seed()
    runs.drain()

    runs.advance("3s")

    morning = Run.objects.get(workflow="reviewers-morning")
    assert (morning.status, morning.error) == ("completed", None)
    found = {
        (one.title.partition(": ")[2], one.status, one.assignee and one.assignee.username)
        for one in HumanTask.objects.filter(type="kyc-renewal").select_related("assignee")
    }
    assert ("Tulpenhof", "completed", None) in found
    assert ("Brennerei Moll", "completed", None) in found
    assert ("Bergbahn Sarn", "claimed", "ravi") in found
    assert ("Hansen & Datter", "paused", "ruth") in found
    assert ("Café Azul", "ready", None) in found
    assert sum(task.is_overdue for task in HumanTask.objects.all()) == 1
    assert TaskAttachment.objects.count() == 2


def test_an_act_whose_worker_has_died_is_not_done_twice(runs, team):
    demo.seed()
    runs.drain()
    for act in demo.ACTS:
        do(act)
    before = HumanTask.objects.count(), TaskAttachment.objects.count()
    for act in demo.ACTS:
        do(act)

    assert (HumanTask.objects.count(), TaskAttachment.objects.count()) == before


def test_a_document_that_is_missing_is_asked_for_and_the_check_begins_anew(runs, ruth):
    run = runs.start(renew, demo.CASES[0])
    data = {"document": "a utility bill", "days": 10}
    runs.complete(run, "check-papers", outcome="ask", data=Missing(**data), user=ruth)
    runs.advance("10d")

    [task] = runs.tasks(run)

    assert (task.key, task.status) == ("check-papers#2", "ready")


def test_stopped_payments_are_named(runs, ruth):
    run = runs.start(screen, demo.STATEMENTS[0])
    payments = {one.id: "release" for one in demo.STATEMENTS[0].payments}
    payments["P-4711-003"] = "stop"

    runs.complete(
        run, "screen-payments", outcome="done", data=Screening(payments=payments), user=ruth
    )

    assert run.refresh().result() == ["P-4711-003"]
