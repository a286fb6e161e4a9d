"""System checks: each finds what it is for, and a good project has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.checks import run_checks
from django.db import connection, connections

from orchestrator import checks, clock
from orchestrator.core.durations import parse_duration


def found(**options: Any) -> dict[str, str]:
    """The engine's own messages, by id."""
    messages = run_checks(include_deployment_checks=False, **options)
    return {one.id: one.msg for one in messages if str(one.id).startswith("orchestrator.")}


@pytest.fixture
def database(monkeypatch):
    """Set something in the settings of the database."""

    def change(**changes: Any) -> None:
        for name, value in changes.items():
            monkeypatch.setitem(connection.settings_dict, name, value)

    return change


def test_a_good_project_has_nothing_to_say(durable):
    assert found(databases=["default"]) == {}


def test_a_setting_that_cannot_be_read(settings):
    settings.ORCHESTRATOR_LEASE = "soon"

    assert "ORCHESTRATOR_LEASE: not a duration: 'soon'" in found()["orchestrator.E001"]


def test_a_limit_below_one(settings):
    settings.ORCHESTRATOR_MAX_MAILBOX = 0

    assert "ORCHESTRATOR_MAX_MAILBOX is 1 or more" in found()["orchestrator.E001"]


def test_atomic_requests(database):
    database(ATOMIC_REQUESTS=True)

    assert "begins when the request has ended" in found()["orchestrator.W001"]


def test_another_database(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "mysql")

    assert found()["orchestrator.E002"] == (
        "The engine runs on PostgreSQL and SQLite, not on mysql."
    )


class Replica:
    """A router that reads from a copy."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model._meta.app_label == "orchestrator" else None


def test_a_read_replica(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.Replica"]

    assert "a replica would show it the past" in found()["orchestrator.E003"]


def test_a_router_that_is_about_other_apps(settings, monkeypatch):
    monkeypatch.setattr(Replica, "db_for_read", lambda self, model, **hints: None)
    settings.DATABASE_ROUTERS = [f"{__name__}.Replica"]

    assert found() == {}


@pytest.mark.postgres
@pytest.mark.parametrize(("level", "is_good"), [(None, True), (2, True), (3, False), (4, False)])
def test_an_isolation_level_that_hides_what_others_commit(database, level, is_good):
    database(OPTIONS={"isolation_level": level})

    assert ("orchestrator.E004" not in found()) is is_good


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("mode", "is_good"),
    [("IMMEDIATE", True), ("immediate", True), (None, False), ("DEFERRED", False)],
)
def test_sqlite_without_the_write_lock(database, mode, is_good):
    database(OPTIONS={"transaction_mode": mode})

    assert ("orchestrator.W004" not in found()) is is_good


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("mounts", "is_good"),
    [
        ("/dev/sda1 / ext4 rw 0 0\n", True),
        ("server:/share / nfs4 rw 0 0\n", False),
        ("/dev/sda1 / ext4 rw\nserver:/x {folder} cifs rw\n", False),
        ("server:/share / nfs rw\n/dev/sda1 {folder} ext4 rw\n", True),
        ("server:/share {folder}-2 nfs rw\n", True),
        ("", True),
    ],
)
def test_sqlite_on_another_machines_disk(database, tmp_path, monkeypatch, mounts, is_good):
    folder = tmp_path / "data"
    database(NAME=str(folder / "db.sqlite3"))
    listed = tmp_path / "mounts"
    listed.write_text(mounts.format(folder=folder))
    monkeypatch.setattr(checks, "MOUNTS", listed)

    assert ("orchestrator.E007" not in found()) is is_good


def test_where_nobody_knows_what_is_mounted_nothing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "MOUNTS", tmp_path / "missing")

    assert checks._remote_file_system(Path("/x")) == ""


@pytest.mark.parametrize(
    ("name", "value", "identity"),
    [
        ("accept_content", ["json", "pickle"], "E005"),
        ("result_backend", "redis://elsewhere", "W002"),
        ("task_always_eager", True, "W003"),
    ],
)
def test_settings_of_celery_that_do_harm(monkeypatch, name, value, identity):
    monkeypatch.setitem(current_app.conf.changes, name, value)

    assert list(found()) == [f"orchestrator.{identity}"]


@pytest.mark.sqlite
def test_several_processes_on_sqlite(monkeypatch):
    monkeypatch.setitem(current_app.conf.changes, "worker_pool", "prefork")
    monkeypatch.setitem(current_app.conf.changes, "worker_concurrency", 4)

    assert "SQLite lets one of them write at a time" in found()["orchestrator.W005"]


@pytest.mark.postgres
@pytest.mark.parametrize(("debug", "identity"), [(True, "W006"), (False, "E006")])
def test_a_server_that_forgets_what_it_has_acknowledged(db, settings, debug, identity):
    settings.DEBUG = debug
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")

    said = found(databases=["default"])

    assert "synchronous_commit is off" in said[f"orchestrator.{identity}"]
    assert found() == {}


def test_clocks_that_differ(db):
    clock.move(parse_duration("1m"))
    try:
        assert "differ by 60 s" in found(databases=["default"])["orchestrator.W007"]
    finally:
        clock.move(-clock.skew())
