"""The numbers beside the names in the navigation: right on every page, and cheap."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from humantasks import inbox

HTMX = {"HX-Request": "true"}
COUNTS = reverse("humantasks:counts")


@pytest.fixture
def worker(client, alice, ask):
    """Alice's browser: one task is hers, one is free, and one she must not answer."""
    inbox.claim(ask(name="a"), user=alice)
    ask(name="b")
    ask(name="c", initiator=alice)
    alice.user_permissions.add(Permission.objects.get(codename="view_run"))
    client.force_login(alice)
    return client


def numbers(response):
    text = response.content.decode()
    return {
        name: text.partition(f'id="count-humantasks-{name}"')[2].partition(">")[2].partition("<")[0]
        for name in ("my_work", "queue")
    }


def test_counts_are_what_i_can_do(worker):
    assert numbers(worker.get(COUNTS)) == {"my_work": "1", "queue": "1"}


@pytest.mark.parametrize("path", ["/inbox/done/", "/ops/", "/ops/runs/", "/accounts/password/"])
def test_every_page_shows_them(worker, path):
    assert numbers(worker.get(path)) == {"my_work": "1", "queue": "1"}


def test_nothing_to_do_is_no_number(client, carol):
    client.force_login(carol)

    assert numbers(client.get("/inbox/")) == {"my_work": "", "queue": ""}


def test_many_are_99_and_more(worker, monkeypatch):
    monkeypatch.setattr("humantasks.counts.MAX_COUNT", 0)

    assert numbers(worker.get("/ops/"))["queue"] == "0+"


def test_counts_that_did_not_change_are_no_content(worker):
    assert worker.get(f"{COUNTS}?seen=1.1.").status_code == 204
    assert worker.get(f"{COUNTS}?seen=.2.").status_code == 200


def test_counts_that_changed_ask_on_from_what_they_are(worker):
    text = worker.get(f"{COUNTS}?seen=.2.").content.decode()

    assert f'hx-get="{COUNTS}?seen=1.1."' in text
    assert text.count("hx-swap-oob") == 4


# session 1, user 1, the numbers 1.
def test_an_unchanged_poll_costs_three_queries(worker, django_assert_num_queries):
    worker.get(COUNTS)

    with django_assert_num_queries(3):
        assert worker.get(f"{COUNTS}?seen=1.1.", headers=HTMX).status_code == 204


def counted(queries):
    return [query["sql"] for query in queries if "capped" in query["sql"]]


@pytest.mark.parametrize("path", ["/ops/", "/ops/runs/", "/inbox/done/"])
def test_a_page_asks_once_for_all_of_them(worker, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as asked:
        worker.get(path)

    assert len(counted(asked)) == 1


@pytest.mark.parametrize("path", ["/ops/", "/ops/runs/", "/inbox/done/"])
def test_a_part_that_shows_none_asks_for_none(worker, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as asked:
        worker.get(path, headers=HTMX)

    assert counted(asked) == []


@pytest.mark.django_db
def test_who_is_not_logged_in_costs_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/accounts/login/")
