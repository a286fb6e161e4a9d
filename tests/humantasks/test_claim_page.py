"""Claiming and giving back in a browser, with and without a script."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from humantasks import inbox
from humantasks.models import HumanTask, TaskDraft

HTMX = {"HX-Request": "true"}


@pytest.fixture
def press(client):
    def do(verb, task, user, **headers):
        client.force_login(user)
        url = reverse(f"humantasks:{verb}", args=[task.pk])
        return client.post(url, headers=headers)

    return do


def test_without_a_script_a_claim_leads_to_the_task(task, alice, press):
    response = press("claim", task, alice)

    assert response.status_code == 302
    assert response.headers["Location"] == reverse("humantasks:task", args=[task.pk])
    assert HumanTask.objects.get().assignee == alice


def test_with_htmx_a_claim_gives_the_panel_with_its_form(task, alice, press):
    response = press("claim", task, alice, **HTMX)

    text = response.content.decode()
    assert text.lstrip().startswith('<div id="task"')
    assert 'value="approve"' in text
    assert json.loads(response.headers["HX-Trigger"])["counts-changed"] is True


def test_in_a_list_a_claim_gives_the_row(task, alice, press):
    response = press("claim", task, alice, **HTMX, **{"HX-Target": f"task-{task.ref}"})

    text = response.content.decode()
    assert "<tr" in text
    assert "Open" in text
    assert "<html" not in text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_was_slower_is_told_who_was_faster(task, alice, bob, press, headers):
    inbox.claim(task, user=bob)

    response = press("claim", task, alice, **headers)

    assert response.status_code == 409
    assert "Bob has already claimed this task" in response.content.decode()


def test_in_a_list_the_row_says_who_was_faster(task, alice, bob, press):
    inbox.claim(task, user=bob)

    response = press("claim", task, alice, **HTMX, **{"HX-Target": f"task-{task.ref}"})

    assert response.status_code == 409
    assert "Bob has already claimed" in response.content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_requester_is_refused_with_the_reason(ask, alice, press, headers):
    task = ask(initiator=alice)

    response = press("claim", task, alice, **headers)

    assert response.status_code == 403
    assert "You started the run that asks" in response.content.decode()


def test_giving_back_keeps_the_draft(task, alice, press):
    inbox.claim(task, user=alice)
    inbox.save_draft(
        task, user=alice, data={"data.note": ["x"]}, submission_id=task.pk, draft_rev=0
    )

    response = press("release", task, alice)

    assert response.status_code == 302
    assert HumanTask.objects.get().status == "ready"
    assert TaskDraft.objects.count() == 1


def test_what_another_holds_cannot_be_given_back(task, alice, bob, press):
    inbox.claim(task, user=bob)

    response = press("release", task, alice)

    assert response.status_code == 409
    assert "Bob has held it since" in response.content.decode()
