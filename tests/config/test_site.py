"""What is around every page: headers, sessions, probes, logs."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from unittest import mock

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from config.logs import JsonFormatter, TextFormatter, WithoutHints
from tests.conftest import Person

PAGE = "/accounts/password/"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


def test_every_page_forbids_inline_code_and_foreign_content(client: Client) -> None:
    headers = client.get("/accounts/login/").headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_nobody_keeps_a_copy_of_what_a_person_sees(client: Client, alice: User) -> None:
    client.force_login(alice)

    headers = client.get(PAGE).headers

    assert "no-store" in headers["Cache-Control"]
    assert "HX-Request" in headers["Vary"]


def test_a_stranger_is_sent_to_the_login_page(client: Client) -> None:
    response = client.get(PAGE)

    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={PAGE}"


def test_who_sends_a_form_too_late_comes_back_to_the_page_of_the_form(client: Client) -> None:
    form = {"Referer": "http://testserver/inbox/?q=ada"}
    elsewhere = {"Referer": "https://evil.example/inbox/"}
    sent_to = "/ops/workflows/order/runs/"

    back = client.post(sent_to, headers=form).headers["Location"]
    unknown = client.post(sent_to, headers=elsewhere).headers["Location"]

    assert back == "/accounts/login/?next=/inbox/%3Fq%3Dada"
    assert unknown == "/accounts/login/?next=/"


def test_htmx_gets_no_login_page_to_swap_in(client: Client) -> None:
    response = client.get(PAGE, headers=HTMX)

    assert response.status_code == 401
    assert response.headers["HX-Trigger"] == "session-expired"
    assert b"<form" not in response.content


def test_a_session_ends_after_an_idle_hour(client: Client, alice: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.force_login(alice)
        client.get(PAGE)
        clock.shift(timedelta(minutes=59))
        assert client.get(PAGE).status_code == 200
        clock.shift(timedelta(minutes=59))
        assert client.get(PAGE).status_code == 200
        clock.shift(timedelta(minutes=61))
        assert client.get(PAGE).status_code == 302


@pytest.mark.parametrize(
    ("method", "headers"), [("get", HTMX), ("post", HTMX | {"X-Poll": "1"})], ids=["get", "post"]
)
def test_a_page_that_polls_does_not_keep_a_session_alive(
    client: Client, alice: User, method: str, headers: dict[str, str]
) -> None:
    ask = getattr(client, method)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.force_login(alice)
        client.get(PAGE)
        clock.shift(timedelta(minutes=40))
        assert ask(PAGE, headers=headers).status_code != 401
        clock.shift(timedelta(minutes=40))
        assert ask(PAGE, headers=headers).status_code == 401


def test_logging_out_takes_a_post_and_clears_the_browser(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.get("/accounts/logout/").status_code == 405
    response = client.post("/accounts/logout/")

    assert response.headers["Location"] == "/accounts/login/"
    assert "storage" in response.headers["Clear-Site-Data"]
    assert client.get(PAGE).status_code == 302


def test_a_session_cookie_is_out_of_reach_of_scripts(client: Client, person: Person) -> None:
    person("dana")
    client.post("/accounts/login/", {"username": "dana", "password": "dana"})

    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_the_probes_need_no_login(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").json() == {"status": "ok"}


def test_a_process_is_not_ready_without_its_database(client: Client) -> None:
    with mock.patch.object(connection, "ensure_connection", side_effect=OperationalError):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "no database"}


def test_a_process_is_not_ready_before_its_migrations(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")

    assert client.get("/readyz").status_code == 503


def test_a_process_is_ready_without_a_broker(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://127.0.0.1:1//")

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"status": "degraded: no broker"}


def record(**extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "orchestrator", "levelname": "INFO", "msg": "sent %s", "args": ("it",), **extra}
    )


@pytest.mark.parametrize(
    ("said", "is_printed"),
    [
        ({"name": "celery.app.trace", "data": {"name": "orchestrator.tick"}}, False),
        ({"name": "celery.worker.strategy", "data": {"name": "orchestrator.sweep"}}, False),
        ({"name": "celery.app.trace", "data": {"name": "shop.send_invoice"}}, True),
        ({"name": "celery.worker.strategy"}, True),
        ({"name": "celery.worker.consumer.connection", "msg": "Connected to memory://%s"}, False),
        ({"name": "celery.worker.consumer.connection", "msg": "Connected to redis://%s"}, True),
        ({"name": "orchestrator", "data": {"name": "orchestrator.tick"}}, True),
    ],
)
def test_hints_that_work_are_not_worth_a_log_line(
    said: dict[str, object], is_printed: bool
) -> None:
    troubled = said | {"levelno": logging.WARNING}

    assert WithoutHints().filter(record(**{"levelno": logging.INFO} | said)) is is_printed
    assert WithoutHints().filter(record(**troubled)) is True


def test_a_log_line_for_people_names_what_came_with_it() -> None:
    line = TextFormatter().format(record(run_id="r-1"))

    assert line.endswith("INFO orchestrator: sent it run_id=r-1")


def test_a_log_line_for_collectors_is_one_object() -> None:
    error = ValueError("no\nsuch thing")
    made = record(run_id="r-1", odd=object(), exc_info=(ValueError, error, None))

    line = JsonFormatter().format(made)

    assert "\n" not in line
    fields = json.loads(line)
    assert fields["message"] == "sent it"
    assert fields["run_id"] == "r-1"
    assert "ValueError: no\nsuch thing" in fields["exception"]
