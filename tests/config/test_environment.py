"""What a process accepts from its environment, and what stops its start."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from config.database import database
from config.environment import BASE_DIR, Environment, read
from config.mail import mail

KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PRODUCTION = {
    "production": True,
    "secret_key": KEY,
    "allowed_hosts": "work.example.org",
    "database_url": "postgres://app:secret@db/work",
    "broker_url": "redis://broker/0",
    "email_host": "mail",
}


def production(**changes: Any) -> Environment:
    return Environment(**{**PRODUCTION, **changes})


def manage(*args: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    variables = {name.upper(): str(value) for name, value in environment.items()}
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"secret_key": ""}, "SECRET_KEY is missing"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "a" * 60}, "SECRET_KEY"),
        ({"secret_key": f"django-insecure-{KEY}"}, "SECRET_KEY"),
        ({"debug": True}, "DEBUG is on"),
        ({"allowed_hosts": ""}, "ALLOWED_HOSTS is empty"),
        ({"allowed_hosts": "a.example, *"}, "ALLOWED_HOSTS has"),
        ({"database_url": ""}, "DATABASE_URL is missing"),
        ({"broker_url": "memory://"}, "BROKER_URL is memory"),
    ],
)
def test_production_refuses_what_is_only_good_on_a_laptop(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        production(**changes)


def test_all_problems_are_named_at_once_and_no_secret_is() -> None:
    with pytest.raises(ValidationError) as caught:
        production(secret_key="my-short-key", allowed_hosts="", debug=True)

    message = str(caught.value)
    assert "DEBUG" in message
    assert "SECRET_KEY" in message
    assert "ALLOWED_HOSTS" in message
    assert "my-short-key" not in message


def test_a_process_does_not_start_without_a_key(tmp_path: Path) -> None:
    done = manage("check", **{**PRODUCTION, "secret_key": "", "var_dir": tmp_path})

    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stderr


def test_the_deployment_check_finds_nothing(tmp_path: Path) -> None:
    done = manage(
        *("check", "--deploy", "--fail-level", "WARNING"),
        **{**PRODUCTION, "var_dir": tmp_path},
    )

    assert done.returncode == 0, done.stderr


def test_lists_are_words_with_commas() -> None:
    assert production(allowed_hosts=" a.example, b.example,").allowed_hosts == [
        "a.example",
        "b.example",
    ]


def test_a_laptop_gets_a_key_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first = Environment(var_dir=tmp_path).signing_key
    second = Environment(var_dir=tmp_path).signing_key

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_examples_are_for_everywhere_but_production() -> None:
    assert Environment(production=False).has_examples
    assert not production().has_examples
    assert production(examples=True).has_examples


def test_mail_goes_to_the_server_that_is_named_else_into_files(tmp_path: Path) -> None:
    files, server = str(mail(Environment(var_dir=tmp_path))), str(mail(production()))

    assert "filebased.EmailBackend" in files
    assert str(tmp_path / "mail") in files
    assert "smtp.EmailBackend" in server
    assert production().email_host in server


def test_postgresql_connections_are_checked_and_kept() -> None:
    config = database(production(database_conn_max_age=30))

    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert config["CONN_HEALTH_CHECKS"] is True
    assert config["CONN_MAX_AGE"] == 30
    assert "options" not in config["OPTIONS"]


@pytest.mark.parametrize(
    "changes",
    [
        {"database_pool": 4},
        {"database_url": "postgres://app:secret@db/work?pool=true"},
    ],
)
def test_a_pool_keeps_the_connections_itself(changes: dict[str, Any]) -> None:
    config = database(production(**changes))

    assert config["OPTIONS"]["pool"]
    assert config["CONN_MAX_AGE"] == 0


def test_only_web_processes_give_up_on_slow_statements() -> None:
    options = database(production(database_web_timeouts=True))["OPTIONS"]["options"]

    assert "-c statement_timeout=30000" in options
    assert "-c lock_timeout=3000" in options


def test_pgbouncer_gets_no_server_side_cursors() -> None:
    assert database(production(pgbouncer=True))["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_sqlite_by_url_waits_for_locks_too(tmp_path: Path) -> None:
    config = database(Environment(database_url=f"sqlite:///{tmp_path}/other.sqlite3"))

    assert config["NAME"] == f"{tmp_path}/other.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_all_that_is_wrong_with_the_environment_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMAIL_PORT", "none")
    monkeypatch.setenv("LANGUAGE_CODE", "xx")

    with pytest.raises(ImproperlyConfigured, match=r"EMAIL_PORT: .*; LANGUAGE_CODE: "):
        read()


def test_what_production_lacks_is_said_without_a_traceback_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRODUCTION", "true")

    with pytest.raises(ImproperlyConfigured, match=r"^PRODUCTION=true, but ") as refused:
        read()

    assert refused.value.__suppress_context__
