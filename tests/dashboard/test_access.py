"""Who may open which page of the operators, and who may do what."""

from __future__ import annotations

import re
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse

from dashboard import verbs, views
from dashboard.urls import urlpatterns
from orchestrator import Run
from orchestrator.core.ids import uuid7
from tests.dashboard.conftest import LoggedIn, Member

SEEN_BY_VIEWERS = {"overview", "trends", "runs", "run_rows", "run", "workflows", "workflow"}
# What viewers may do: to lists of their own.
DONE_BY_VIEWERS = {"save_view": 302, "delete_view": 404}
POST_ONLY = {*verbs.ALL, "start", "save_view", "delete_view", "bulk_begin", "bulk_change"}
WITHOUT_ARGUMENTS = {
    *("overview", "trends", "runs", "run_rows", "workflows", "save_view"),
    *("bulk_list", "bulk_new", "bulk_begin"),
}
WITH_NUMBER = {"delete_view", "bulk", "bulk_change"}
NAMES = [str(pattern.name) for pattern in urlpatterns]


def address(name: str, run: Run[None]) -> str:
    if name.startswith("start") or name == "workflow":
        return reverse(f"dashboard:{name}", args=[run.workflow])
    if name in WITH_NUMBER:
        return reverse(f"dashboard:{name}", args=[1])
    return reverse(f"dashboard:{name}", args=[] if name in WITHOUT_ARGUMENTS else [run.id])


def ask(browser: Client, name: str, run: Run[None]) -> HttpResponse:
    method = browser.post if name in POST_ONLY else browser.get
    return method(address(name, run))


def test_a_stranger_is_sent_to_the_login_page(client: Client, failed: Run[None]) -> None:
    for name in NAMES:
        response = client.get(address(name, failed))

        assert response.status_code == 302, name
        assert response.headers["Location"].startswith("/accounts/login/")


def test_who_has_no_permission_is_told_which_one_it_takes(
    logged_in: LoggedIn, failed: Run[None]
) -> None:
    outsider = logged_in("nobody")

    for name in NAMES:
        response = ask(outsider, name, failed)

        assert response.status_code == 403, name
        assert re.search(r"\((orchestrator|dashboard)\.", response.content.decode())


def test_a_viewer_sees_pages_and_does_nothing(viewer: Client, failed: Run[None]) -> None:
    statuses = {name: ask(viewer, name, failed).status_code for name in NAMES}

    seen = dict.fromkeys(SEEN_BY_VIEWERS, 200)
    assert statuses == dict.fromkeys(NAMES, 403) | seen | DONE_BY_VIEWERS


def test_what_changes_something_refuses_get_and_what_shows_something_refuses_post(
    operator: Client, failed: Run[None]
) -> None:
    for name in NAMES:
        method = operator.get if name in POST_ONLY else operator.post

        assert method(address(name, failed)).status_code == 405, name


def test_an_action_needs_the_token_against_forgery(logged_in: LoggedIn, failed: Run[None]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = logged_in("Operator").cookies

    for name in POST_ONLY:
        assert strict.post(address(name, failed)).status_code == 403, name


def test_an_outsider_cannot_tell_a_run_from_no_run(logged_in: LoggedIn, failed: Run[None]) -> None:
    outsider = logged_in("nobody")

    there = outsider.get(reverse("dashboard:run", args=[failed.id]))
    not_there = outsider.get(reverse("dashboard:run", args=[uuid7()]))

    assert there.status_code == not_there.status_code == 403
    assert there.content == not_there.content


def test_nobody_but_operators_is_offered_actions(
    operator: Client, viewer: Client, failed: Run[None]
) -> None:
    page = reverse("dashboard:run", args=[failed.id])

    assert "Retry failed step" in operator.get(page).content.decode()
    assert "Retry failed step" not in viewer.get(page).content.decode()


@pytest.mark.parametrize(
    ("role", "home"),
    [("Viewer", "/ops/"), ("Operator", "/ops/"), ("Admin", "/ops/"), ("nobody", "/inbox/")],
)
def test_people_land_where_their_work_is(
    role: str, home: str, member: Member, rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = member(role)

    response = views.home(request)

    assert (response.status_code, response.headers["Location"]) == (302, home)


def test_the_default_groups_have_their_permissions(db: None) -> None:
    granted = {
        group.name: set(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.filter(name__in=["Viewer", "Operator", "Admin"])
    }

    assert granted["Viewer"] == {"view_run"}
    assert granted["Operator"] == {
        "view_run",
        "view_payload",
        "operate_run",
        "start_run",
        "view_operatoraction",
        "bulk_operate",
    }
    assert granted["Admin"] > granted["Operator"]
    assert "share_view" in granted["Admin"]


def test_groups_that_an_administrator_has_changed_stay_so(db: None) -> None:
    Group.objects.get(name="Viewer").permissions.clear()

    migration = import_module("dashboard.migrations.0002_default_groups")
    migration.create_groups(apps, SimpleNamespace(connection=connection))

    assert not Group.objects.get(name="Viewer").permissions.exists()


def test_the_pages_need_no_other_pages(viewer: Client, settings: Any, failed: Run[None]) -> None:
    settings.ROOT_URLCONF = (path("ops/", include("dashboard.urls")),)

    for name in SEEN_BY_VIEWERS:
        assert viewer.get(address(name, failed)).status_code == 200, name
    refused = viewer.get(address("retry_confirm", failed))
    assert 'href="/ops/">To the start page' in refused.content.decode()
