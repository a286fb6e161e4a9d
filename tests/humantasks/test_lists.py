"""The lists and the numbers beside their names."""

from __future__ import annotations

import pytest
from django.urls import reverse

from humantasks import inbox
from humantasks.views import lists


@pytest.fixture
def browse(client, alice):
    def do(name, query="", *, user=alice, **headers):
        client.force_login(user)
        return client.get(f"{reverse(f'humantasks:{name}')}?{query}", headers=headers)

    return do


def titles(response):
    return [task.title for task in response.context["tasks"]]


def text_of(response):
    return response.content.decode()


def test_the_queue_has_what_is_free(ask, alice, bob, browse):
    ask(name="a", title="Free")
    inbox.claim(ask(name="b", title="Taken"), user=bob)

    assert titles(browse("queue")) == ["Free"]
    assert titles(browse("queue", "show=open")) == ["Free", "Taken"]


def test_my_work_is_what_i_have_claimed(ask, alice, bob, browse):
    inbox.claim(ask(name="a", title="Mine"), user=alice)
    inbox.claim(ask(name="b", title="Yours"), user=bob)

    assert titles(browse("my_work")) == ["Mine"]


def test_done_is_what_i_have_decided_the_latest_first(ask, alice, bob, browse):
    for name, user in [("a", alice), ("b", alice), ("c", bob)]:
        task = inbox.claim(ask(name=name, title=name), user=user)
        inbox.complete(task, user=user, outcome="approve", data={"risk": "low"})

    assert titles(browse("done")) == ["b", "a"]
    assert "Approve" in text_of(browse("done"))


def test_other_teams_see_nothing(task, carol, browse):
    for name in ("my_work", "queue", "done"):
        assert titles(browse(name, user=carol)) == []


def test_my_own_request_is_locked_in_the_queue(ask, alice, browse):
    ask(initiator=alice)

    text = text_of(browse("queue"))

    assert "You started this run" in text
    assert "/claim" not in text


def test_filters_narrow_a_list(ask, browse):
    ask(name="a", title="Refund for Ada", type="refund")
    ask(name="b", title="Review for Ada", type="review")

    assert titles(browse("queue", "type=refund")) == ["Refund for Ada"]
    assert titles(browse("queue", "q=review")) == ["Review for Ada"]
    assert titles(browse("queue", "q=ada&type=nothing")) == []
    assert browse("queue").context["choices"].types == ["refund", "review"]


@pytest.mark.parametrize("name", ["my_work", "queue", "done"])
def test_an_empty_list_says_why_and_what_to_do(browse, name):
    text = text_of(browse(name))

    assert 'class="empty"' in text


def test_a_filter_that_finds_nothing_can_be_cleared(task, browse):
    assert "Clear the filters" in text_of(browse("queue", "q=zzz"))


def test_pages_follow_each_other_without_gaps(ask, alice, browse, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    for name in "abcde":
        ask(name=name, title=name, due="1h" if name in "bd" else None)

    found, after = [], ""
    while after is not None:
        response = browse("queue", f"after={after}" if after else "")
        found += titles(response)
        after = response.context["more_after"]

    assert found == ["b", "d", "a", "c", "e"]


def test_a_list_by_its_due_times_has_pages_too(ask, alice, browse, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    dues = {"a": None, "b": "3h", "c": "1h", "d": None, "e": "2h"}
    for name, due in dues.items():
        ask(name=name, title=name, due=due, priority="urgent" if name in "ab" else "low")

    found, after = [], ""
    while after is not None:
        response = browse("queue", f"sort=due&after={after}" if after else "sort=due")
        found += titles(response)
        after = response.context["more_after"]

    assert found == ["c", "e", "b", "a", "d"]
    assert "sort=due" in text_of(browse("queue", "sort=due"))


def test_done_has_pages_too(ask, alice, browse, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 1)
    for name in "ab":
        task = inbox.claim(ask(name=name, title=name), user=alice)
        inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})

    first = browse("done")

    assert titles(first) == ["b"]
    assert titles(browse("done", f"after={first.context['more_after']}")) == ["a"]


@pytest.mark.parametrize("query", ["after=x", "q=%00", "type=%00", "q=" + "9" * 400, "show=x"])
def test_odd_addresses_are_no_error_pages(task, browse, query):
    assert browse("queue", query).status_code == 200


def test_htmx_gets_the_list_alone(task, browse):
    text = text_of(browse("queue", **{"HX-Request": "true"}))

    assert "<html" not in text
    assert 'id="tasks"' in text


# ---- news ----------------------------------------------------------------------------


def test_no_news_is_no_content(task, browse):
    assert browse("news", f"newest={task.pk}&seen=0&counts=.1.").status_code == 204


def test_new_tasks_are_announced_and_move_nothing(task, ask, browse):
    ask(name="later")

    response = browse("news", f"newest={task.pk}&seen=0&counts=.1.")

    assert "1 new task" in text_of(response)
    assert browse("news", f"newest={task.pk}&seen=1&counts=.2.").status_code == 204


def test_the_news_bring_the_numbers_in_the_navigation(task, alice, ask, browse):
    inbox.claim(task, user=alice)

    response = browse("news", f"newest={task.pk}&seen=0&counts=.1.")

    assert 'id="count-humantasks-my_work" hx-swap-oob="true">1<' in text_of(response)
    # So the queue asks once, not twice; the other lists ask for the numbers alone.
    assert 'id="counts"' not in text_of(browse("queue"))
    assert 'id="counts"' in text_of(browse("my_work"))


def test_a_list_that_is_asked_for_by_htmx_brings_the_numbers_it_goes_by(task, browse):
    text = text_of(browse("queue", **{"HX-Request": "true"}))

    assert "counts=.1." in text
    assert 'id="count-humantasks-queue" hx-swap-oob="true">1<' in text


def test_news_of_an_empty_queue(task, browse):
    assert "1 new task" in text_of(browse("news", "newest=&seen=0"))


@pytest.fixture
def six_tasks(ask, alice):
    """Two are free, two are mine, and two I have done."""
    for letter in "abcdef":
        task = ask(name=letter)
        if letter in "abcd":
            inbox.claim(task, user=alice)
        if letter in "ab":
            inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})


# session 1, user 1, permissions 2, the tasks 1, their types 1, the numbers beside the names 1.
@pytest.mark.parametrize("name", ["my_work", "queue", "done"])
def test_a_list_asks_as_often_for_many_as_for_one(
    six_tasks, browse, client, name, django_assert_num_queries
):
    browse(name)

    with django_assert_num_queries(7):
        client.get(reverse(f"humantasks:{name}"))


# session 1, user 1, the tasks 1; the queue also the numbers that its news go by 1.
@pytest.mark.usefixtures("six_tasks")
@pytest.mark.parametrize(("name", "number"), [("my_work", 3), ("queue", 4), ("done", 3)])
def test_a_filter_asks_for_little_more_than_the_tasks(
    browse, client, name, number, django_assert_num_queries
):
    browse(name)

    with django_assert_num_queries(number):
        client.get(f"{reverse(f'humantasks:{name}')}?q=a", headers={"HX-Request": "true"})


# session 1, user 1, the news with the numbers 1.
def test_a_queue_that_asks_for_news_costs_three_queries(
    task, browse, client, django_assert_num_queries
):
    browse("news")

    with django_assert_num_queries(3):
        url = f"{reverse('humantasks:news')}?newest={task.pk}&seen=0&counts=.1."
        assert client.get(url).status_code == 204
