"""Next mode in a browser: one task after the other."""

from __future__ import annotations

import pytest
from django.urls import reverse

from humantasks import inbox
from humantasks.models import HumanTask, ReviewerState

LOW = {"outcome": "approve", "data.risk": "low", "data_rev": "1"}


@pytest.fixture
def three(ask):
    return [ask(name=f"of-{one}", priority=one) for one in ("low", "urgent", "normal")]


@pytest.fixture
def serve(client, alice):
    client.force_login(alice)
    return lambda mode="all": client.post(reverse("humantasks:serve"), {"serve": mode})


def text_of(response):
    return response.content.decode()


def at(task, mode="all"):
    return f"{reverse('humantasks:task', args=[task.pk])}?serve={mode}"


def test_the_most_pressing_task_is_claimed_and_shown(client, three, serve, alice):
    response = serve()

    assert response.headers["Location"] == at(three[1])
    assert HumanTask.objects.get(pk=three[1].pk).assignee == alice
    text = text_of(client.get(response.headers["Location"]))
    assert "<b>2</b> left" in text
    assert "<b>0</b> done today" in text


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_after_a_decision_comes_the_next(client, three, serve, headers):
    serve()

    response = client.post(
        reverse("humantasks:complete", args=[three[1].pk]), LOW | {"serve": "all"}, headers=headers
    )

    led_to = response.headers.get("Location") or response.headers["HX-Redirect"]
    assert led_to == at(three[2])
    assert "<b>1</b> done today" in text_of(client.get(led_to))


def test_after_the_last_one_all_is_done(client, task, serve):
    serve()

    response = client.post(
        reverse("humantasks:complete", args=[task.pk]), LOW | {"serve": "all"}, follow=True
    )

    assert "All caught up" in text_of(response)
    assert "Done today: 1" in text_of(response)


def test_only_the_tasks_of_the_list_are_served(three, serve):
    assert serve("priority=10").headers["Location"] == at(three[0], "priority%3D10")
    assert (
        serve("priority=10").headers["Location"]
        == f"{reverse('humantasks:next')}?serve=priority%3D10"
    )


def test_a_task_that_is_let_pass_leads_to_the_next(client, three, serve):
    serve()
    url = reverse("humantasks:act", args=[three[1].pk, "let-pass"])

    response = client.post(f"{url}?serve=all", {"reason": ""})

    assert response.headers["Location"] == at(three[2])


def test_what_one_has_begun_is_shown_before_the_start(client, three, alice):
    inbox.claim(three[0], user=alice)
    client.force_login(alice)

    text = text_of(client.get(reverse("humantasks:next")))

    assert "You have begun" in text
    assert f"#{three[0].ref}" in text


def test_who_holds_as_many_as_they_may_is_told(three, serve, alice):
    ReviewerState.objects.create(user=alice, claim_limit=1)
    serve()

    response = serve()

    assert response.status_code == 403
    assert "Your limit is 1" in text_of(response)
    assert f"#{three[1].ref}" in text_of(response)


def test_a_mode_that_makes_no_sense_serves_everything(three, serve):
    assert serve("\x00&%zz=1&due=never").status_code == 302
