"""Workers say that they are there and what they have, and are forgotten when they are gone."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from orchestrator import Context, clock, serving, workflow
from orchestrator.core.definition import registry
from orchestrator.engine.heart import Heart
from orchestrator.engine.upkeep import Upkeep
from orchestrator.models import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def still_clock():
    yield
    clock.move(-clock.skew())


@pytest.fixture
def w():
    @workflow(name="w", version="3")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    return w


def worker(name: str = "here:1:a", **options) -> Upkeep:
    """A worker that has just begun."""
    made = Upkeep(worker=name, mend=lambda: None, **options)
    made.beat(0)
    return made


def names() -> list[str]:
    return [one.id for one in serving.live_workers()]


def forget_code(name: str = "w") -> None:
    registry._by_name.pop(name)


# ---- presence --------------------------------------------------------------------------


def test_a_worker_says_what_it_has_and_how_busy_it_is(w, settings):
    settings.ORCHESTRATOR_DRIVERS, settings.ORCHESTRATOR_BATCH = 2, 50

    worker("here:1:a").beat(7)

    row = Worker.objects.get()
    assert (row.id, row.queues, row.capacity, row.in_use) == ("here:1:a", None, 100, 7)
    assert ["w", "3"] in [code[:2] for code in row.codes]


def test_a_worker_that_has_stopped_is_gone_at_once(w):
    worker().leave()

    assert not Worker.objects.exists()


def test_a_heart_tells_of_its_worker_and_takes_its_leave(w):
    told = Upkeep(worker="here:1:a", mend=lambda: None)
    heart = Heart(told)
    heart.start()
    heart.stop()

    assert told._is_known
    assert not Worker.objects.exists()


def test_a_silent_worker_is_not_alive_and_later_forgotten(w):
    worker("silent")
    clock.move(timedelta(minutes=1))
    worker("other")
    assert names() == ["other"]
    assert Worker.objects.count() == 2

    clock.move(timedelta(hours=2))
    worker("third")

    assert [one.id for one in Worker.objects.all()] == ["third"]


def test_a_worker_that_was_forgotten_says_again_what_it_has(w):
    back = worker("frozen")
    started_at = Worker.objects.get().started_at
    Worker.objects.all().delete()

    back.beat(0)

    row = Worker.objects.get()
    assert row.started_at > started_at
    assert row.codes


def test_code_that_is_added_later_is_told_with_the_next_heartbeat(w):
    told = worker()

    @workflow(name="later")
    async def later(ctx: Context) -> None: ...

    told.beat(0)

    assert ["later", "1"] in [code[:2] for code in Worker.objects.get().codes]


def test_a_heartbeat_is_one_small_statement(w, django_assert_num_queries):
    told = worker()

    # That the worker is alive 1.
    with django_assert_num_queries(1) as asked:
        told.beat(3)

    assert "codes" not in asked.captured_queries[0]["sql"]


# ---- who can go on with what ------------------------------------------------------------


def test_open_runs_are_served_by_a_worker_that_has_their_code(w):
    w.start()
    assert [(one.workflow, one.runs, one.lacks) for one in serving.unserved()] == [("w", 1, "code")]

    worker()

    assert serving.unserved() == []


def test_what_would_be_stranded_without_a_worker_is_known_before_it_stops(w):
    w.start()
    worker("old")
    forget_code()
    worker("new")

    assert serving.unserved() == []
    assert [one.workflow for one in serving.unserved(without=["old"])] == ["w"]


def test_runs_that_have_ended_need_nobody(w):
    w.start().cancel()

    assert serving.unserved() == []


def test_a_release_is_asked_whether_it_could_go_on_with_every_open_run(w):
    w.start()
    assert serving.unserved_here() == []

    forget_code()

    assert [(one.workflow, one.version) for one in serving.unserved_here()] == [("w", "3")]


# ---- the doctor -------------------------------------------------------------------------


def examine(capsys, *options: str) -> dict[str, tuple[bool, str]]:
    with suppress(CommandError):
        call_command("doctor", "--json", *options)
    found = json.loads(capsys.readouterr().out)
    return {one["name"]: (one["is_good"], one["detail"]) for one in found}


def test_the_doctor_names_the_workers_and_misses_them(w, capsys):
    assert examine(capsys)["workers"] == (False, "none: start manage.py worker")

    worker("here:1:a")

    assert examine(capsys)["workers"] == (True, "here:1:a")


def test_the_doctor_names_open_runs_whose_code_nobody_has(w, capsys):
    w.start()
    worker("old")
    forget_code()

    assert examine(capsys)["open runs"][0]
    assert examine(capsys, "--release")["this code"] == (
        False,
        "w 3: 1 open, and nobody has its code",
    )
    Worker.objects.all().delete()
    assert not examine(capsys)["open runs"][0]
