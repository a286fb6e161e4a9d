"""Who else looks at a task, and what an open page is told when it is not what it was."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.models import (
    HumanTask,
    TaskAudit,
    TaskDecision,
    TaskDraft,
    TaskPresence,
    TeamProfile,
)
from orchestrator import clock

HTMX = {"HX-Request": "true"}


@pytest.fixture
def pulse(client):
    def do(task, user, *, name="pulse", **data):
        client.force_login(user)
        sent = {"state": task.state, "here": ""} | data
        return client.post(reverse(f"humantasks:{name}", args=[task.pk]), sent, headers=HTMX)

    return do


@pytest.fixture
def leased(ask, alice):
    @human_task_type("leased")
    class Leased(HumanTaskType):
        claim_lease = "10m"

    return inbox.claim(ask(type=Leased), user=alice)


def text_of(response):
    return response.content.decode()


def page(client, task, user):
    client.force_login(user)
    return text_of(client.get(reverse("humantasks:task", args=[task.pk])))


# ---- who looks -----------------------------------------------------------------------


def test_who_looks_is_shown_to_the_others_and_not_to_themselves(task, alice, bob, pulse, client):
    assert pulse(task, bob).status_code == 204

    assert "Also here:" in text_of(pulse(task, alice))
    assert "Bob" in page(client, task, alice)
    assert pulse(task, alice, here="Bob").status_code == 204
    assert "Also here" in page(client, task, bob)


def test_who_has_gone_is_not_shown_a_minute_later(task, alice, bob, pulse, runs):
    pulse(task, bob)
    runs.advance("61s")

    response = pulse(task, alice, here="Bob")

    assert response.status_code == 200
    assert "Also here" not in text_of(response)


def test_looking_at_the_page_alone_writes_nothing(task, alice, client):
    page(client, task, alice)

    assert not TaskPresence.objects.exists()


def test_looking_is_no_change_of_the_task(task, bob, pulse):
    pulse(task, bob)
    pulse(task, bob)

    assert HumanTask.objects.get().seq == task.seq
    assert TaskAudit.objects.count() == 1
    assert TaskPresence.objects.count() == 1


def test_what_is_old_is_forgotten(task, bob, pulse, runs):
    pulse(task, bob)
    runs.advance("2h")

    inbox.tend()

    assert not TaskPresence.objects.exists()


# session 1, user 1, the task 1, I am here 2, who else is 1.
def test_an_unchanged_task_costs_few_queries(task, alice, pulse, client, django_assert_num_queries):
    pulse(task, alice)

    with django_assert_num_queries(6):
        data = {"state": task.state, "here": ""}
        url = reverse("humantasks:pulse", args=[task.pk])
        assert client.post(url, data, headers=HTMX).status_code == 204


# ---- what has changed ----------------------------------------------------------------


def test_who_took_the_task_meanwhile_is_told_in_a_bar(task, alice, bob, pulse):
    inbox.claim(task, user=bob)

    text = text_of(pulse(task, alice))

    assert "Bob" in text
    assert "claimed the task" in text
    assert "<input" not in text


def test_a_holder_is_told_who_has_the_task_now(task, alice, bob, person, pulse):
    mine = inbox.claim(task, user=alice)
    lena = person("lena", "compliance-team")
    TeamProfile.objects.create(group=Group.objects.get(name="compliance-team")).leads.add(lena)
    inbox.assign(task, user=lena, to=bob, note="he knows him")

    text = text_of(pulse(mine, alice, held="1"))

    assert "You no longer hold this task" in text
    assert "Bob has held it since" in text
    assert "What you have typed is kept" in text


def test_who_has_sent_it_in_another_window_is_told_that_it_stands(task, alice, pulse):
    mine = inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})

    text = text_of(pulse(mine, alice, held="1"))

    assert "You have already completed this task" in text
    assert "is kept" not in text


def test_what_people_say_and_how_pressing_it_is_disturbs_nobody(task, alice, bob, pulse):
    mine = inbox.claim(task, user=alice)
    inbox.comment(mine, user=bob, text="Look at the score")

    assert pulse(mine, alice, held="1").status_code == 204


def test_the_page_says_what_it_is_to_be_asked_about(task, alice, client, pulse):
    inbox.claim(task, user=alice)

    text = page(client, task, alice)

    form = text[text.index('id="pulse"') :]
    sent = dict(re.findall(r'name="(state|here|held)" value="([^"]*)"', form))
    assert sent["held"] == "1"
    assert pulse(HumanTask.objects.get(), alice, **sent).status_code == 204


@pytest.mark.parametrize("name", ["pulse", "stay"])
def test_without_a_script_it_leads_back_to_the_page(task, alice, client, name):
    client.force_login(alice)

    response = client.post(reverse(f"humantasks:{name}", args=[task.pk]))

    assert response.headers["Location"] == reverse("humantasks:task", args=[task.pk])


# ---- the end of a claim --------------------------------------------------------------


def test_a_claim_that_ends_soon_is_told_and_lasts_on_with_one_key(leased, alice, pulse, runs):
    assert pulse(leased, alice, held="1").status_code == 204
    runs.advance("9m")

    text = text_of(pulse(leased, alice, held="1"))
    assert "Your claim ends at" in text
    assert "I am still working on it" in text
    ends_at = re.search(r'name="ends_at" value="([^"]+)"', text)[1]
    assert pulse(leased, alice, held="1", ends_at=ends_at).status_code == 204
    kept = pulse(leased, alice, name="stay", held="1", ends_at=ends_at)
    assert "Your claim ends" not in text_of(kept)

    now = HumanTask.objects.get()
    assert now.claim_expires_at - clock.now() > timedelta(minutes=9)


def test_a_lost_claim_does_not_last_on(leased, alice, bob, pulse, runs):
    runs.advance("11m")
    inbox.tend()
    inbox.claim(leased, user=bob)

    text = text_of(pulse(leased, alice, name="stay", held="1"))

    assert "Bob has held it since" in text
    assert HumanTask.objects.get().assignee == bob


# ---- what was typed ------------------------------------------------------------------


@pytest.fixture
def send(client, alice):
    def do(task, name="complete", *, headers=HTMX, **data):
        client.force_login(alice)
        sent = {"data.risk": "low", "comment": "fine", "outcome": "approve"} | data
        sent |= {"data_rev": str(task.data_rev)}
        return client.post(reverse(f"humantasks:{name}", args=[task.pk]), sent, headers=headers)

    return do


def test_what_is_saved_too_late_is_kept_all_the_same(leased, alice, send, runs):
    runs.advance("11m")
    inbox.tend()

    response = send(leased, "draft")

    assert response.status_code == 409
    assert "is kept, for you alone" in text_of(response)
    assert TaskDraft.objects.get().data["comment"] == ["fine"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_free_task_can_be_claimed_and_sent_in_one(leased, alice, send, runs, headers):
    runs.advance("11m")
    inbox.tend()

    response = send(leased, headers=headers)
    text = text_of(response)
    assert response.status_code == 409
    form = text[text.index('name="claim"') :]
    form = form[: form.index("</form>")]
    assert "Claim it and send: Approve" in form
    again = dict(re.findall(r'name="([\w.]+)" value="([^"]*)"', form))
    assert again["data.risk"] == "low"

    send(leased, headers=headers, **again)

    assert HumanTask.objects.get().outcome == "approve"
    assert TaskDecision.objects.get().comment == "fine"


def test_who_is_slower_again_is_told(leased, bob, send, runs):
    runs.advance("11m")
    inbox.tend()
    inbox.claim(leased, user=bob)

    response = send(leased, claim="1")

    assert response.status_code == 409
    assert "Bob has already claimed this task" in text_of(response)
    assert "Ask Bob to hand it over" in text_of(response)
    assert "Claim it and send" not in text_of(response)
