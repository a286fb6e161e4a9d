"""Deciding in a browser: what works, what is wrong, and what came too late."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import reverse

from humantasks import inbox
from humantasks.models import HumanTask, TaskDecision, TaskDraft
from orchestrator import get_run

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


@pytest.fixture
def send(client, alice):
    def do(task, outcome="approve", *, user=alice, headers=None, **fields):
        client.force_login(user)
        form = {"outcome": outcome, "submission_id": str(uuid4()), "data_rev": "1"} | {
            name.replace("data_risk", "data.risk").replace("data_note", "data.note"): value
            for name, value in fields.items()
        }
        url = reverse("humantasks:complete", args=[task.pk])
        return client.post(url, form, headers=headers or {})

    return do


def text_of(response):
    return response.content.decode()


def test_a_decision_wakes_the_run(mine, send):
    response = send(mine, data_risk="low", comment="fine")

    assert response.status_code == 302
    kyc = get_run(mine.run_id).result(timeout=0)
    assert (kyc.approved, kyc.data.risk.value, kyc.comment) == (True, "low", "fine")


def test_with_htmx_the_panel_shows_what_was_decided(mine, send):
    response = send(mine, data_risk="low", headers=HTMX)

    assert response.status_code == 200
    assert "Sent: Approve." in response.headers["HX-Trigger"]
    assert "decided: Approve" in text_of(response)


def test_the_same_form_sent_twice_gets_the_same_reply(mine, send):
    form = {"data_risk": "low", "submission_id": str(uuid4())}

    first, again = send(mine, **form), send(mine, **form)

    assert (first.status_code, again.status_code) == (302, 302)
    assert TaskDecision.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_wrong_form_comes_back_whole_with_its_errors(mine, send, headers):
    response = send(mine, data_note="kept", submission_id="5" * 32, headers=headers)

    text = text_of(response)
    assert response.status_code == 422
    assert "There is a problem" in text
    assert "Choose an answer" in text
    assert "kept" in text
    # So that a retry of the mended form is still the same form.
    assert "55555555-5555-5555-5555-555555555555" in text
    assert HumanTask.objects.get().status == "claimed"


def test_the_title_says_that_something_is_wrong(mine, send):
    assert "<title>Error:" in text_of(send(mine))


def test_a_rejection_needs_a_comment_only(mine, send):
    assert send(mine, "reject").status_code == 422
    assert send(mine, "reject", comment="The owner is on the list.").status_code == 302


def test_an_outcome_that_is_not_offered_is_refused(mine, send):
    response = send(mine, "delete_everything", data_risk="low")

    assert response.status_code == 422
    assert HumanTask.objects.get().status == "claimed"


def test_fields_that_nobody_asked_for_change_nothing(mine, send, bob):
    send(mine, data_risk="low", status="withdrawn", assignee=str(bob.pk), completed_by="bob")

    done = HumanTask.objects.get()
    assert (done.status, done.completed_by.username) == ("completed", "alice")


def test_who_lost_the_task_is_told_and_keeps_the_answers(mine, alice, bob, send):
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=bob)

    response = send(mine, data_risk="low", data_note="an hour of work")

    text = text_of(response)
    assert response.status_code == 409
    assert "You no longer hold this task" in text
    assert "Bob" in text
    assert "an hour of work" in text
    assert "Low" in text
    assert TaskDraft.objects.get().user == alice
    assert HumanTask.objects.get().status == "claimed"


def test_a_wrong_form_for_a_lost_task_says_first_that_it_is_lost(mine, alice, bob, send):
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=bob)

    response = send(mine, data_note="an hour of work")

    assert response.status_code == 409
    assert "Bob" in text_of(response)
    assert "an hour of work" in text_of(response)


def test_another_persons_decision_is_named(mine, alice, bob, send):
    inbox.complete(mine, user=alice, outcome="reject", comment="no")

    response = send(mine, data_risk="low", user=bob)

    assert response.status_code == 409
    assert "Alice has already completed this task" in text_of(response)


def test_my_own_decision_in_another_window_is_called_mine(mine, alice, send):
    inbox.complete(mine, user=alice, outcome="reject", comment="no")

    response = send(mine, data_risk="low", data_note="second thoughts")

    text = text_of(response)
    assert response.status_code == 409
    assert "You have already completed this task" in text
    assert "another window" in text
    assert "second thoughts" in text
    assert not TaskDraft.objects.exists()


def test_a_cancelled_run_says_so_and_the_answers_are_kept(mine, send):
    get_run(mine.run_id).cancel(reason="100 % a duplicate")

    response = send(mine, data_risk="low", data_note="an hour of work")

    text = text_of(response)
    assert response.status_code == 409
    assert "This task was withdrawn" in text
    assert "100 % a duplicate" in text
    assert "an hour of work" in text


def test_an_expired_task_says_so(ask, runs, alice, send):
    task = inbox.claim(ask(timeout="1h"), user=alice)
    runs.advance("1h")

    response = send(task, data_risk="low")

    assert response.status_code == 409
    assert "The time for this task is over" in text_of(response)


def test_a_stale_form_keeps_the_answers_in_their_fields_and_can_be_sent_again(mine, send):
    HumanTask.objects.update(data_rev=2)

    response = send(mine, data_risk="low", data_note="still here")

    text = text_of(response)
    assert response.status_code == 409
    assert "has changed since you opened this page" in text
    assert 'name="data_rev" value="2"' in text
    assert "still here" in text
    assert send(mine, data_risk="low", data_rev="2").status_code == 302


def test_who_left_the_team_keeps_the_answers(mine, alice, send):
    alice.groups.clear()

    response = send(mine, data_risk="low", data_note="an hour of work")

    assert response.status_code == 403
    assert "an hour of work" in text_of(response)
    assert TaskDraft.objects.exists()


@pytest.mark.parametrize("name", ["submission_id", "data_rev"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 50, "\x00"])
def test_a_mangled_form_is_no_error_page(mine, send, name, value):
    assert send(mine, data_risk="low", **{name: value}).status_code in (302, 409)


def test_characters_that_cannot_be_stored_are_refused_politely(mine, send):
    response = send(mine, data_risk="low", data_note="a\x00b")

    assert response.status_code == 422
