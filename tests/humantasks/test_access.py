"""Every page: who may not come in, and by which door."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from humantasks import urls
from humantasks.models import HumanTask
from humantasks.views.acts import ACTS

PAGES = ["my_work", "queue", "check", "done", "news", "counts", "next"]
TASK_PAGES = ["task"]
VERBS = [
    "claim",
    "release",
    "pulse",
    "stay",
    "draft",
    "changes",
    "preview",
    "fill",
    "complete",
    "check_proposal",
    "comment",
    "attach",
]
# A question by GET, a deed by POST; and what needs no task.
OTHERS = ["act", "serve", "file", "override"]


def url_of(name, task):
    return reverse(f"humantasks:{name}", args=[task.pk] if name in TASK_PAGES + VERBS else [])


def test_every_url_is_in_these_lists():
    named = {pattern.name for pattern in urls.urlpatterns}
    assert named == {*PAGES, *TASK_PAGES, *VERBS, *OTHERS}


@pytest.mark.parametrize("name", PAGES + TASK_PAGES + VERBS)
def test_strangers_are_sent_to_the_login_page(client, task, name):
    response = client.post(url_of(name, task)) if name in VERBS else client.get(url_of(name, task))

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", TASK_PAGES + VERBS)
def test_a_task_of_another_team_does_not_exist(client, task, carol, name):
    client.force_login(carol)
    url = url_of(name, task)

    response = client.post(url) if name in VERBS else client.get(url)

    assert response.status_code == 404
    assert HumanTask.objects.get().seq == task.seq


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
@pytest.mark.parametrize("name", VERBS)
def test_looking_changes_nothing(client, task, alice, name, method):
    client.force_login(alice)

    response = getattr(client, method)(url_of(name, task))

    assert response.status_code == 405
    assert HumanTask.objects.get().seq == task.seq


@pytest.mark.parametrize("name", PAGES + TASK_PAGES)
def test_pages_take_no_posts(client, task, alice, name):
    client.force_login(alice)

    assert client.post(url_of(name, task)).status_code == 405


@pytest.mark.parametrize("name", VERBS)
def test_a_post_from_another_site_is_refused(task, alice, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(url_of(name, task)).status_code == 403
    assert HumanTask.objects.get().seq == task.seq


@pytest.mark.parametrize("name", list(ACTS))
def test_an_act_is_for_who_knows_of_the_task(client, task, alice, carol, name):
    url = reverse("humantasks:act", args=[task.pk, name])

    assert client.get(url).status_code == 302
    assert client.post(url).status_code == 302
    client.force_login(carol)
    assert client.get(url).status_code == 404
    assert client.post(url).status_code == 404
    client.force_login(alice)
    for method in ("get", "head"):
        getattr(client, method)(url)
    assert client.put(url).status_code == 405
    assert HumanTask.objects.get().seq == task.seq


def test_the_next_task_is_asked_for_by_post(client, task, alice):
    url = reverse("humantasks:serve")

    assert client.post(url).status_code == 302
    client.force_login(alice)
    assert client.get(url).status_code == 405
    assert HumanTask.objects.get().seq == task.seq
