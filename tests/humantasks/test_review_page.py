"""The pages of those who check and vote, with a script and without one."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from humantasks import HumanTaskType, Quorum, human_task_type, inbox
from humantasks.models import HumanTask, TaskDecision, TaskDraft, TaskSeat
from tests.humantasks.proposing import now, propose

HTMX = {"HX-Request": "true"}


@pytest.fixture
def proposed(two_look, alice):
    task = two_look()
    propose(task, alice)
    return task


@pytest.fixture
def checking(proposed, chief):
    inbox.claim(proposed, user=chief)
    return proposed


@pytest.fixture
def ballot(ask, alice, bob):
    def make(**options):
        @human_task_type("ballot")
        class Ballot(HumanTaskType):
            review = Quorum(2, **({"of": 2} | options))

        return ask(type="ballot")

    return make


@pytest.fixture
def look(client):
    def at(task, user, query="", **headers):
        client.force_login(user)
        url = reverse("humantasks:task", args=[task.pk])
        return client.get(url + query, headers=headers).content.decode()

    return at


@pytest.fixture
def check(client):
    def send(task, user, verdict, comment="", form=None, **headers):
        client.force_login(user)
        data = {
            "verdict": verdict,
            "comment": comment,
            "data_rev": "1",
            "submission_id": str(form or uuid4()),
        }
        url = reverse("humantasks:check_proposal", args=[task.pk])
        return client.post(url, data, headers=headers)

    return send


# ---- four eyes -----------------------------------------------------------------------


def test_a_maker_is_told_that_it_waits_for_another(client, two_look, alice):
    task = inbox.claim(two_look(), user=alice)
    client.force_login(alice)
    url = reverse("humantasks:complete", args=[task.pk])
    sent = {"outcome": "approve", "data.risk": "low", "data_rev": "1"}

    response = client.post(url, sent, headers=HTMX)

    text = response.content.decode()
    assert "It counts when somebody else has approved it" in response.headers["HX-Trigger"]
    assert "It waits for somebody to check it." in text
    assert 'name="verdict"' not in text
    assert 'name="outcome"' not in text


def test_a_checker_finds_the_task_and_takes_it(client, proposed, chief, look):
    client.force_login(chief)

    page = client.get(reverse("humantasks:check")).content.decode()
    claimed = client.post(
        reverse("humantasks:claim", args=[proposed.pk]),
        headers=HTMX | {"HX-Target": f"task-{proposed.ref}"},
    )

    assert proposed.title in page
    assert 'id="count-humantasks-check">1<' in page
    assert "Open" in claimed.content.decode()
    assert "Send it back" in look(proposed, chief)
    assert "Open" in client.get(reverse("humantasks:check")).content.decode()


def test_a_checker_sees_what_is_proposed(look, proposed, chief):
    text = look(proposed, chief)

    for words in ("Alice", "looks good", "see page 2", "Check it"):
        assert words in text
    assert "Send it back" not in text


def test_nobody_else_finds_anything_to_check(client, proposed, bob, alice):
    for user in (alice, bob):
        client.force_login(user)
        page = client.get(reverse("humantasks:check")).content.decode()
        assert "Nothing to check" in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_proposal_is_approved(check, checking, chief, look, headers):
    response = check(checking, chief, "approve", "agreed", **headers)

    assert response.status_code == (200 if headers else 302)
    assert now(checking).status == "completed"
    text = look(checking, chief)
    assert "Approved by" in text
    assert "agreed" in text
    assert "approved the proposal: Approve" in text


def test_it_is_approved_once_however_often_it_is_sent(check, checking, chief):
    form = uuid4()

    codes = [check(checking, chief, "approve", form=form).status_code for _ in range(3)]

    assert codes == [302, 302, 302]
    assert TaskDecision.objects.filter(kind="approval").count() == 1


def test_a_return_needs_a_comment_and_the_page_says_so(check, checking, chief):
    response = check(checking, chief, "return")

    text = response.content.decode()
    assert response.status_code == 422
    assert "There is a problem" in text
    assert "Say what has to change" in text
    assert 'aria-invalid="true"' in text
    assert now(checking).status == "in_review"


def test_a_button_that_is_none_is_refused_and_loses_nothing(check, checking, chief):
    response = check(checking, chief, "perhaps", "half a thought")

    assert response.status_code == 422
    assert "half a thought" in response.content.decode()


def test_what_was_returned_stands_above_the_form_with_the_old_answers(
    check, checking, chief, alice, look
):
    check(checking, chief, "return", "Which page?")

    text = look(checking, alice)
    assert "Cleo has sent it back" in text
    assert "Which page?" in text
    assert "see page 2" in text
    assert 'name="outcome"' in text


def test_a_check_that_comes_too_late_keeps_what_was_typed(check, checking, chief, person, look):
    inbox.release(checking, user=chief)
    second = person("kim", "compliance-leads", first_name="Kim")
    inbox.claim(checking, user=second)

    response = check(checking, chief, "return", "Which page?")

    text = response.content.decode()
    assert response.status_code == 409
    assert "Kim has one since" in text
    assert "Which page?" in text
    assert TaskDraft.objects.get(user=chief).data == {"comment": ["Which page?"]}


def test_what_a_checker_types_is_kept(client, checking, chief, look):
    client.force_login(chief)
    url = reverse("humantasks:draft", args=[checking.pk])
    data = {"comment": "half a thought", "submission_id": str(uuid4()), "draft_rev": "0"}

    assert client.post(url, data, headers=HTMX).status_code == 200

    assert "half a thought" in look(checking, chief)


def test_a_maker_who_tries_to_check_is_refused(check, proposed, alice, client):
    client.force_login(alice)

    claimed = client.post(reverse("humantasks:claim", args=[proposed.pk]))
    checked = check(proposed, alice, "approve")

    assert claimed.status_code == 403
    assert "You have proposed how to decide it" in claimed.content.decode()
    assert checked.status_code == 409
    assert now(proposed).status == "in_review"


def test_a_check_is_given_back_on_its_page(client, checking, chief):
    client.force_login(chief)

    response = client.post(reverse("humantasks:release", args=[checking.pk]), headers=HTMX)

    assert response.status_code == 200
    assert "Check it" in response.content.decode()


def test_a_lead_of_no_checkers_sees_where_it_is(look, checking, bob):
    text = look(checking, bob)

    assert "Cleo" in text
    assert "checks it since" in text


def test_a_checker_is_told_on_the_open_page_that_somebody_else_checks(
    client, checking, chief, person
):
    client.force_login(chief)
    url = reverse("humantasks:pulse", args=[checking.pk])
    page = {"state": now(checking).state, "here": "", "ends_at": "", "held": "1"}
    assert client.post(url, page, headers=HTMX).status_code == 204
    inbox.release(checking, user=chief)
    inbox.claim(checking, user=person("kim", "compliance-leads", first_name="Kim"))

    text = client.post(url, page, headers=HTMX).content.decode()

    assert "Kim has one since" in text


def test_a_check_that_ends_soon_says_so_and_is_kept(client, two_look, alice, chief, runs):
    task = two_look(type_options={"claim_lease": "5m"})
    propose(task, alice)
    inbox.claim(task, user=chief)
    client.force_login(chief)
    url = reverse("humantasks:pulse", args=[task.pk])
    page = {"state": now(task).state, "here": "", "ends_at": "", "held": "1"}
    runs.advance("4m")

    warned = client.post(url, page, headers=HTMX).content.decode()
    stayed = client.post(reverse("humantasks:stay", args=[task.pk]), page, headers=HTMX)

    assert "Your claim ends at" in warned
    assert stayed.status_code == 204
    runs.advance("4m")
    inbox.tend()
    assert TaskSeat.objects.get().user == chief


def test_who_proposed_cannot_override_on_the_page_either(client, proposed, alice):
    alice.user_permissions.add(Permission.objects.get(codename="override_task"))
    client.force_login(alice)
    url = reverse("humantasks:override", args=[proposed.pk])

    response = client.post(
        url, {"outcome": "approve", "data.risk": "low", "comment": "I know best"}
    )

    assert response.status_code == 403
    assert now(proposed).status == "in_review"


def test_what_i_have_checked_is_under_done(client, check, checking, chief, alice):
    check(checking, chief, "approve")
    client.force_login(chief)
    url = reverse("humantasks:done")

    assert checking.title not in client.get(url).content.decode()
    assert checking.title in client.get(f"{url}?show=checked").content.decode()
    client.force_login(alice)
    assert checking.title in client.get(url).content.decode()


# ---- votes ---------------------------------------------------------------------------


def test_a_seat_is_taken_and_the_form_is_a_vote(client, ballot, alice, bob, look):
    task = ballot()
    assert "Take a seat" in look(task, alice)
    inbox.claim(task, user=alice)

    sent = {"outcome": "approve", "data.risk": "low", "data_rev": "1"}
    response = client.post(reverse("humantasks:complete", args=[task.pk]), sent, headers=HTMX)

    text = response.content.decode()
    assert json.loads(response.headers["HX-Trigger"])["toast"] == "You have voted: Approve."
    assert "1 of 2 are in; 2 for the same outcome decide." in text
    assert "Change my vote" in text
    assert 'name="outcome"' not in text
    assert 'name="outcome"' in look(task, alice, "?change=1")


def test_a_blind_vote_is_not_on_the_page_of_others(ballot, alice, bob, look):
    task = ballot(blind=True)
    for user in (alice, bob):
        inbox.claim(task, user=user)
    inbox.complete(task, user=alice, outcome="reject", comment="never ever")

    text = look(task, bob)

    assert "What others voted is told at the end." in text
    assert "never ever" not in text
    assert "voted: Reject" not in text
    inbox.complete(task, user=bob, outcome="reject", comment="no")
    assert "never ever" in look(task, bob)


def test_how_it_ended_shows_every_vote(ballot, alice, bob, look):
    task = ballot()
    for user, outcome in ((alice, "approve"), (bob, "reject")):
        inbox.claim(task, user=user)
        inbox.complete(task, user=user, outcome=outcome, data={"risk": "low"}, comment="so")

    text = look(task, alice)

    assert "ended the vote, which was even: Reject" in text
    assert text.count('class="said">so<') >= 2


def test_a_full_ballot_says_so(client, ballot, alice, bob, person):
    task = ballot()
    for user in (alice, bob):
        inbox.claim(task, user=user)
    client.force_login(person("dan", "compliance-team"))

    response = client.post(reverse("humantasks:claim", args=[task.pk]))

    assert response.status_code == 409
    assert "All seats are taken" in response.content.decode()


def test_what_i_am_to_vote_on_is_to_check(client, ballot, alice):
    ballot()
    client.force_login(alice)

    page = client.get(reverse("humantasks:check")).content.decode()

    assert HumanTask.objects.get().title in page
    assert 'id="count-humantasks-queue"><' in page
