"""The admin shows tasks and changes none."""

from __future__ import annotations

import pytest


@pytest.fixture
def root(client, person):
    client.force_login(person("root", is_staff=True, is_superuser=True))
    return client


def test_an_administrator_sees_a_task_and_its_audit(root, task):
    response = root.get(f"/admin/humantasks/humantask/{task.pk}/change/")

    assert response.status_code == 200
    assert "created" in response.content.decode()


@pytest.mark.parametrize("page", ["add/", "{task.pk}/delete/"])
def test_nothing_is_added_or_deleted(root, task, page):
    url = f"/admin/humantasks/humantask/{page.format(task=task)}"

    assert root.get(url).status_code == 403


def test_a_change_is_refused_even_for_a_superuser(root, task):
    url = f"/admin/humantasks/humantask/{task.pk}/change/"

    assert root.post(url, {"status": "completed"}).status_code == 403
    task.refresh_from_db()
    assert task.status == "ready"


def test_the_list_is_searched_by_number_and_title(root, task):
    response = root.get("/admin/humantasks/humantask/", {"q": str(task.ref)})

    assert "Kyc review" in response.content.decode()
