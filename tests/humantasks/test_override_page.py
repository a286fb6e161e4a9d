"""The page for deciding past the rules: who may, what it asks, and what it leaves behind."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from humantasks import inbox
from humantasks.models import HumanTask, TaskDecision
from orchestrator import get_run


@pytest.fixture
def chief(person):
    """Of no team; sees all, and may override."""
    found = person("chief", first_name="Cleo")
    codes = ["override_task", "view_humantask", "view_taskpayload"]
    found.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    return found


@pytest.fixture
def visit(client):
    def do(task, user, data=None):
        client.force_login(user)
        url = reverse("humantasks:override", args=[task.pk])
        return client.get(url) if data is None else client.post(url, data)

    return do


def text_of(response):
    return response.content.decode()


def menu(client, task, user):
    client.force_login(user)
    return text_of(client.get(reverse("humantasks:task", args=[task.pk])))


def test_it_is_offered_to_who_may_and_to_nobody_else(client, task, alice, chief):
    url = reverse("humantasks:override", args=[task.pk])

    assert url in menu(client, task, chief)
    assert url not in menu(client, task, alice)


def test_who_may_not_is_refused_and_a_stranger_knows_nothing_of_it(visit, task, alice, carol):
    assert visit(task, alice).status_code == 403
    assert visit(task, alice, {"outcome": "approve", "comment": "because"}).status_code == 403
    assert visit(task, carol).status_code == 404
    assert HumanTask.objects.get().status == "ready"


def test_the_page_shows_the_evidence_and_who_holds_the_task(visit, task, alice, chief):
    inbox.claim(task, user=alice)

    text = text_of(visit(task, chief))

    assert "Ada" in text
    assert "Alice holds this task" in text
    assert "Reason" in text


def test_a_decision_past_the_rules_is_stamped(client, visit, task, chief, runs):
    response = visit(
        task, chief, {"outcome": "approve", "data.risk": "low", "comment": "The court says so"}
    )

    assert response.headers["Location"] == reverse("humantasks:task", args=[task.pk])
    made = TaskDecision.objects.get()
    assert (made.user, made.is_override, made.comment) == (chief, True, "The court says so")
    assert "decided past the rules: Approve" in menu(client, task, chief)
    runs.drain()
    result = get_run(task.run_id).result(timeout=0)
    assert (result.override, result.completed_by) == (True, "chief")


def test_what_is_missing_is_told_at_once_and_nothing_is_lost(visit, task, chief):
    response = visit(task, chief, {"outcome": "approve", "data.note": "kept", "comment": " "})

    text = text_of(response)
    assert response.status_code == 422
    assert "Say why you decide past the rules" in text
    assert "Risk level: Choose an answer" in text
    assert "Reason: Say why" in text
    assert 'value="kept"' in text
    assert HumanTask.objects.get().status == "ready"


@pytest.mark.parametrize("outcome", ["", "burn"])
def test_a_way_that_there_is_not_is_told(visit, task, chief, outcome):
    data = {"outcome": outcome, "data.risk": "low", "comment": "because"}

    response = visit(task, chief, data)

    assert response.status_code == 422
    assert "Choose how to decide" in text_of(response)


def test_who_comes_too_late_is_told(visit, task, alice, chief):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="reject", comment="forged")

    assert visit(task, chief).headers["Location"] == reverse("humantasks:task", args=[task.pk])
    response = visit(task, chief, {"outcome": "approve", "data.risk": "low", "comment": "because"})

    assert response.status_code == 409
    assert "Alice has already completed this task" in text_of(response)
