"""`manage.py doctor`: is everything there that runs need?"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orchestrator import checkup, clock
from orchestrator.core.definition import registry
from orchestrator.models import Run as Row
from orchestrator.store import workers
from orchestrator.store.workers import Presence

pytestmark = pytest.mark.usefixtures("durable")


@pytest.fixture
def examine(manage):
    """What the doctor finds: name → (good, detail)."""

    def examine():
        done = manage("doctor", "--json")
        return {one["name"]: (one["is_good"], one["detail"]) for one in json.loads(done.out)}

    return examine


@pytest.fixture
def worker(transactional_db, parcel):
    """A worker that is alive, with the code of this test."""
    presence = Presence(
        id="w1", host="here", pid=1, queues=None, codes=registry.codes, capacity=100
    )
    workers.register(presence, in_use=0)


def test_all_is_well_where_a_worker_is(manage, worker):
    done = manage("doctor")

    assert done.status == 0, done.out
    assert {"settings", "broker", "database", "migrations", "due runs", "timers"} <= {
        line[5:].partition(":")[0] for line in done.out.splitlines()
    }


def age(run, **minutes):
    Row.objects.filter(id=run.id).update(due_at=clock.now() - timedelta(**minutes))


def test_a_run_that_nobody_takes_is_found(manage, worker, parcel):
    age(parcel.start(1), minutes=5)

    done = manage("doctor")

    assert "BAD  due runs: one waits for 30" in done.out
    assert done.status == 1
    assert done.err.endswith("CommandError: not well: due runs\n")


def test_a_timer_that_is_late_is_found(examine, waiting):
    age(waiting, minutes=5)

    found = examine()

    is_good, detail = found["timers"]
    assert not is_good
    assert detail.startswith("one waits for 30")
    assert found["due runs"][0]


def test_a_blocked_run_is_found(examine, waiting):
    Row.objects.filter(id=waiting.id).update(status="blocked", due_at=None)

    assert examine()["blocked runs"] == (False, "1: see their pages")


def test_a_broker_in_memory_says_what_it_is(examine):
    assert examine()["broker"] == (
        True,
        "in memory: it reaches the workers of its own process alone",
    )


def test_a_broker_that_is_away_is_found(examine, monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://127.0.0.1:1//")

    is_good, detail = examine()["broker"]

    assert not is_good, detail
    assert detail.startswith("no hint can be sent, so runs start late: ")


def test_a_broker_that_nothing_here_can_speak_to_is_found(examine, monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", "pigeon://127.0.0.1:1//")

    is_good, detail = examine()["broker"]

    assert not is_good, detail
    assert "pigeon" in detail


def test_without_hints_no_broker_is_needed(examine, settings, monkeypatch):
    settings.ORCHESTRATOR_HINTS = False
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://127.0.0.1:1//")

    assert examine()["broker"] == (True, "not used: ORCHESTRATOR_HINTS is off")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEASE", "soon", "ORCHESTRATOR_LEASE: "),
        ("LEASE", "5s", "ORCHESTRATOR_HEARTBEAT must be less than half of ORCHESTRATOR_LEASE"),
        ("DRIVERS", 0, "ORCHESTRATOR_DRIVERS is 1 or more"),
        ("SWEEP_INTERVAL", 0, "ORCHESTRATOR_SWEEP_INTERVAL is more than nothing"),
        ("LEASES", "5s", "ORCHESTRATOR_LEASES is not known: is ORCHESTRATOR_LEASE meant?"),
    ],
)
def test_a_setting_that_cannot_be_right_is_found(settings, name, value, words):
    setattr(settings, f"ORCHESTRATOR_{name}", value)

    found = checkup.engine_settings()

    assert not found.is_good
    assert words in found.detail


def test_a_setting_of_another_app_is_left_alone(settings):
    settings.ORCHESTRATOR_REDACT = "secret"

    assert checkup.engine_settings().is_good


def test_times_need_zones(settings):
    settings.USE_TZ = False

    assert "USE_TZ must be True" in checkup.engine_settings().detail
