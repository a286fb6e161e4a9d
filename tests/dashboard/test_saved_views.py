"""Lists of runs that are saved, shared, begun with and deleted."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard import saved
from dashboard.models import OperatorAction, SavedView
from orchestrator import Run
from tests.dashboard.conftest import LoggedIn

RUNS = "/ops/runs/"
SAVE = "/ops/runs/views/"


def names(browser: Client) -> list[str]:
    return [view.name for view in browser.get(f"{RUNS}?view=all").context["views"]]


def test_there_are_lists_for_what_everybody_looks_for(viewer: Client, waiting: Run[None]) -> None:
    page = viewer.get(f"{RUNS}?view=all")
    found = {view.name: view.query for view in page.context["views"]}

    assert found["Failed in 24 h"] == "status=failed&ended=24h"
    for query in found.values():
        assert viewer.get(f"{RUNS}?{query}").status_code == 200


def test_a_list_is_saved_with_its_filters_and_columns(
    viewer: Client, operator: Client, waiting: Run[None]
) -> None:
    mine = {"name": "Signatures", "list": "workflow=signature&cols=key&before=junk&x=1"}

    saving = viewer.post(SAVE, mine, follow=True)

    assert "The list Signatures is saved." in saving.content.decode()
    assert SavedView.objects.get().query == "workflow=signature&cols=key"
    assert "Signatures" in names(viewer)
    assert "Signatures" not in names(operator)


def test_saving_under_the_same_name_replaces_the_list(viewer: Client) -> None:
    viewer.post(SAVE, {"name": "Mine", "list": "status=failed"})
    viewer.post(SAVE, {"name": "Mine", "list": "status=blocked"})

    assert SavedView.objects.get().query == "status=blocked"


def test_one_begins_with_the_list_that_one_has_chosen(viewer: Client, waiting: Run[None]) -> None:
    viewer.post(SAVE, {"name": "Old", "list": "status=failed", "is_default": "on"})
    viewer.post(SAVE, {"name": "New", "list": "status=blocked", "is_default": "on"})

    begun, every = viewer.get(RUNS), viewer.get(f"{RUNS}?view=all")

    assert (begun.status_code, begun.headers["Location"]) == (302, f"{RUNS}?status=blocked")
    assert [row.id for row in every.context["rows"]] == [waiting.id]


def test_a_shared_list_is_everybodys_and_only_some_may_share(
    logged_in: LoggedIn, operator: Client, viewer: Client
) -> None:
    shared = {"name": "Night shift", "list": "status=failed", "is_shared": "on"}

    refused = operator.post(SAVE, shared)
    logged_in("Admin").post(SAVE, shared)

    assert refused.status_code == 403
    assert "Night shift" in names(viewer)
    [action] = OperatorAction.objects.all()
    assert (action.action, action.detail) == ("share view", "Night shift: status=failed")


def test_only_ones_own_list_is_deleted(viewer: Client, operator: Client) -> None:
    viewer.post(SAVE, {"name": "Mine", "list": ""})
    number = SavedView.objects.get().pk

    others = operator.post(f"{SAVE}{number}/delete/")
    own = viewer.post(f"{SAVE}{number}/delete/", follow=True)

    assert others.status_code == 404
    assert "The list is deleted." in own.content.decode()
    assert not SavedView.objects.exists()


def test_what_cannot_be_saved_is_said(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = viewer.post(SAVE, {"name": " "}, follow=True)
    monkeypatch.setattr(saved, "MOST", 0)
    one_more = viewer.post(SAVE, {"name": "One more"}, follow=True)

    assert "give it a name" in nameless.content.decode()
    assert "You have 0 lists: delete one first." in one_more.content.decode()
    assert not SavedView.objects.exists()
