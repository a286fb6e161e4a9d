"""What can be done with a task beside answering it, in a browser with and without a script."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.models import HumanTask, TaskAudit, TaskComment, TeamProfile
from orchestrator import clock, get_run

HTMX = {"HX-Request": "true"}


@pytest.fixture
def act(client):
    """Do an act, or look at its question: `act(task, alice, "snooze", {"choice": "hour"})`."""

    def do(task, user, name, data=None, **headers):
        client.force_login(user)
        url = reverse("humantasks:act", args=[task.pk, name])
        if data is None:
            return client.get(url, headers=headers)
        return client.post(url, data, headers=headers)

    return do


@pytest.fixture
def lead(alice, person):
    lena = person("lena", first_name="Lena")
    TeamProfile.objects.create(group=Group.objects.get(name="compliance-team")).leads.add(lena)
    return lena


@pytest.fixture
def mine(ask, alice, carol):
    return inbox.claim(ask(initiator=carol, due="2d"), user=alice)


def text_of(response):
    return response.content.decode()


def page(client, task, user):
    client.force_login(user)
    return text_of(client.get(reverse("humantasks:task", args=[task.pk])))


def toasts(response):
    return [str(one) for one in response.wsgi_request._messages]


# ---- the menu ------------------------------------------------------------------------


def test_who_holds_a_task_is_offered_what_they_can_do(client, mine, alice):
    text = page(client, mine, alice)

    for name in ("let-pass", "snooze", "ask", "delegate", "fail", "conflict"):
        assert f"/do/{name}" in text
    for name in ("assign", "move", "priority", "skip"):
        assert f"/do/{name}" not in text


def test_who_looks_on_is_offered_little(client, mine, bob):
    text = page(client, mine, bob)

    assert "/do/conflict" in text
    assert "/do/snooze" not in text


def test_a_lead_is_offered_what_leads_do(client, mine, lead):
    text = page(client, mine, lead)

    for name in ("assign", "move", "priority", "due"):
        assert f"/do/{name}" in text
    assert "/do/let-pass" not in text


def test_only_where_a_team_stands_above_is_escalating_offered(client, mine, lead):
    assert "/do/escalate" not in page(client, mine, lead)
    above = TeamProfile.objects.create(group=Group.objects.create(name="head"))
    TeamProfile.objects.filter(group__name="compliance-team").update(parent=above)

    assert "/do/escalate" in page(client, mine, lead)


def test_what_has_ended_offers_nothing(client, mine, alice, lead):
    inbox.complete(mine, user=alice, outcome="approve", data={"risk": "low"})

    assert "/do/" not in page(client, mine, alice)
    assert "/do/" not in page(client, mine, lead)


# ---- asking and doing ----------------------------------------------------------------


def test_without_a_script_the_question_is_a_page(mine, alice, act):
    text = text_of(act(mine, alice, "snooze"))

    assert "<html" in text
    assert 'value="tomorrow"' in text


def test_with_htmx_it_is_a_dialog(mine, alice, act):
    assert "<html" not in text_of(act(mine, alice, "snooze", **HTMX))


def test_a_task_is_put_aside(mine, alice, act):
    response = act(mine, alice, "snooze", {"choice": "hour"})

    assert response.headers["Location"] == reverse("humantasks:my_work")
    assert toasts(response) == ["Put aside."]
    assert HumanTask.objects.get().pause_kind == "snooze"


def test_with_htmx_the_page_behind_the_dialog_is_left(mine, alice, act):
    response = act(mine, alice, "snooze", {"choice": "hour"}, **HTMX)

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == reverse("humantasks:my_work")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose an answer"),
        ({"choice": "other"}, "Fill this in"),
        ({"choice": "other", "until": "soon"}, "Write a date and a time"),
        ({"choice": "other", "until": "2020-01-01T09:00"}, "still to come"),
        ({"choice": "other", "until": "2090-01-01T09:00"}, "due before that"),
    ],
)
def test_a_wrong_time_is_told_beside_the_field(mine, alice, act, data, words):
    response = act(mine, alice, "snooze", data)

    assert response.status_code == 422
    assert words in text_of(response)
    assert HumanTask.objects.get().status == "claimed"


def test_what_was_put_aside_is_taken_up_again(client, mine, alice, act):
    inbox.snooze(mine, user=alice, until=clock.now() + timedelta(hours=1))
    assert "/do/unsnooze" in page(client, mine, alice)

    act(mine, alice, "unsnooze", {})

    assert HumanTask.objects.get().status == "claimed"


def test_a_lead_assigns_to_whom_may_answer(mine, lead, bob, carol, act):
    text = text_of(act(mine, lead, "assign"))
    assert "Bob" in text
    assert "Carol" not in text

    act(mine, lead, "assign", {"to": bob.pk, "note": "he knows him"})

    assert HumanTask.objects.get().assignee == bob
    refused = act(mine, lead, "assign", {"to": carol.pk})
    assert refused.status_code == 422
    assert "may not answer this task" in text_of(refused)


def test_the_priority_and_the_due_time_are_changed(mine, lead, act):
    act(mine, lead, "priority", {"priority": "90"})
    refused = act(mine, lead, "due", {"due_at": ""})
    assert refused.status_code == 422
    assert "Say why" in text_of(refused)
    act(mine, lead, "due", {"due_at": "", "reason": "the customer is away"})

    now = HumanTask.objects.get()
    assert (now.priority, now.due_at) == (90, None)


def test_who_may_not_is_told_why(mine, bob, act):
    response = act(mine, bob, "priority", {"priority": "90"})

    assert response.status_code == 403
    assert "Only a lead of the team" in text_of(response)


def test_an_act_that_there_is_not_is_not_found(mine, alice, act):
    assert act(mine, alice, "explode").status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_is_too_late_is_told_who_was_faster(mine, lead, bob, act, headers):
    alice = mine.assignee
    inbox.assign(mine, user=lead, to=bob)

    response = act(mine, alice, "let-pass", {}, **headers)

    assert response.status_code == 409
    assert "Bob has held it since" in text_of(response)


def test_that_it_cannot_be_done_ends_it(mine, alice, act):
    assert act(mine, alice, "fail", {"reason": ""}).status_code == 422

    act(mine, alice, "fail", {"reason": "the file is empty"})

    assert HumanTask.objects.get().status == "failed"


def test_giving_back_asks_for_the_reason_if_the_type_does(client, ask, alice, act):
    @human_task_type("reasoned")
    class Reasoned(HumanTaskType):
        release_reason = True

    task = inbox.claim(ask(type="reasoned"), user=alice)
    client.force_login(alice)

    response = client.post(reverse("humantasks:release", args=[task.pk]))
    assert response.headers["Location"] == reverse("humantasks:act", args=[task.pk, "release"])
    act(task, alice, "release", {"reason": "not my language"})

    assert TaskAudit.objects.get(verb="released").reason == "not my language"


# ---- asking a question ---------------------------------------------------------------


def test_who_started_the_run_is_asked_and_answers(client, mine, alice, carol, act):
    act(mine, alice, "ask", {"question": "Which address?", "of": carol.pk})
    text = page(client, mine, carol)
    assert "Which address?" in text
    assert not re.search(r"\bAda\b", text)
    assert "Your answer" in text

    response = client.post(
        reverse("humantasks:comment", args=[mine.pk]), {"text": "The new one", "answer": "1"}
    )

    assert response.headers["Location"] == reverse("humantasks:my_work")
    assert HumanTask.objects.get().status == "claimed"
    assert "The new one" in page(client, mine, alice)


def test_the_question_stands_in_the_work_of_who_is_asked(client, mine, alice, carol):
    inbox.request_info(mine, user=alice, question="Which address?")
    client.force_login(carol)

    text = text_of(client.get(reverse("humantasks:my_work")))

    assert "Asked of you" in text
    assert "Waits for information" in text


# ---- comments ------------------------------------------------------------------------


def say(client, task, user, text, **headers):
    client.force_login(user)
    url = reverse("humantasks:comment", args=[task.pk])
    return client.post(url, {"text": text}, headers=headers)


def test_a_comment_is_shown(client, mine, bob):
    response = say(client, mine, bob, "seen <him> before")

    assert response.headers["Location"].endswith("#comments")
    assert "seen &lt;him&gt; before" in page(client, mine, bob)


def test_with_htmx_only_the_comments_are_swapped(client, mine, bob):
    response = say(client, mine, bob, "hm", **HTMX)

    assert response.status_code == 200
    assert text_of(response).lstrip().startswith('<section class="card" id="comments"')


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_empty_comment_says_what_to_do(client, mine, bob, headers):
    response = say(client, mine, bob, " ", **headers)

    assert response.status_code == 422
    assert "Write a comment" in text_of(response)
    assert TaskComment.objects.count() == 0


# ---- told to the reader --------------------------------------------------------------


def test_a_reviewer_sees_who_cancelled_the_run(client, mine, alice, oscar):
    get_run(mine.run_id).cancel(reason="100 % a duplicate", by=oscar)
    client.force_login(alice)

    response = client.post(
        reverse("humantasks:complete", args=[mine.pk]), {"outcome": "approve", "data_rev": 1}
    )

    text = text_of(response)
    assert response.status_code == 409
    assert "Oscar cancelled the run at" in text
    assert "100 % a duplicate" in text
    assert "cancelled the run, which withdrew the task" in page(client, mine, alice)


def test_who_was_slower_has_a_way_on_and_new_numbers(client, ask, alice, bob):
    lost, free = ask(name="lost"), ask(name="free")
    inbox.claim(lost, user=bob)
    client.force_login(alice)

    response = client.post(reverse("humantasks:claim", args=[lost.pk]), headers=HTMX)

    text = text_of(response)
    assert response.status_code == 409
    assert "UTC" in text
    assert "Next free task:" in text
    assert reverse("humantasks:task", args=[free.pk]) in text
    assert json.loads(response.headers["HX-Trigger"])["counts-changed"] is True
