"""A task, its decision and its audit stay when the run that asked is removed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from humantasks import inbox
from humantasks.models import HumanTask, TaskDecision
from orchestrator import get_run, retention
from orchestrator.models import Run
from orchestrator.retention import Wanted


@pytest.fixture
def decided(task, alice, runs):
    """A task that Alice has approved, whose run is removed a month later."""
    inbox.claim(task, user=alice)
    inbox.complete(
        task,
        user=alice,
        submission_id=uuid4(),
        outcome="approve",
        data={"risk": "low", "sanctions_checked": True, "note": ""},
        data_rev=task.data_rev,
    )
    runs.drain()
    runs.advance("40d")
    done = [one.done for one in retention.removing(Wanted()) if one.what == "runs"]
    assert done == [1]
    assert not Run.objects.exists()
    return HumanTask.objects.get()


def test_the_decision_and_its_audit_stay(decided):
    decision = TaskDecision.objects.get()

    assert (decision.task, decision.outcome, decision.user.username) == (
        decided,
        "approve",
        "alice",
    )
    assert list(decided.audit.order_by("seq").values_list("verb", flat=True))[-1] == "completed"
    assert decided.workflow == "onboarding"


def test_its_page_names_the_workflow_and_leads_to_no_run(decided, alice, client):
    alice.user_permissions.add(Permission.objects.get(codename="view_run"))
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[decided.pk])).content.decode()

    assert "onboarding" in text
    assert str(decided.run_id) not in text


def test_the_page_of_a_task_whose_run_is_there_leads_to_it(task, alice, client):
    alice.user_permissions.add(Permission.objects.get(codename="view_run"))
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert reverse("dashboard:run", args=[task.run_id]) in text


def test_a_paused_run_takes_an_answer_and_goes_on_with_it_later(task, alice, runs):
    run = get_run(task.run_id)
    run.pause()
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})
    runs.drain()
    assert run.refresh().status == "paused"

    run.resume()
    runs.drain()

    assert run.refresh().result(timeout=0).approved
