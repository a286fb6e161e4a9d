"""What authors and operators do to schedules; how the table follows the code."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import IntegrityError, transaction

from orchestrator import (
    ActionRefused,
    Context,
    InvalidInput,
    Schedule,
    UnknownSchedule,
    clock,
    get_schedule,
    schedule,
    workflow,
)
from orchestrator.core.definition import registry
from orchestrator.engine.keeper import Keeper
from orchestrator.models import Schedule as Row
from orchestrator.models import Source
from orchestrator.schedules import declaring, firing, syncing

HOUR = timedelta(hours=1)


@pytest.fixture
def report():
    @workflow(name="report")
    async def report(ctx: Context, region: str = "all") -> datetime | None:
        return ctx.scheduled_at

    return report


def declare(monkeypatch, *args, **options) -> Schedule:
    """Ask for a schedule while Django imports each app's `workflows.py`."""
    with monkeypatch.context() as importing:
        importing.setattr(apps, "ready", False)
        return schedule(*args, **options)


# ---- asking ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "error", "answer"),
    [
        ({"cron": "nonsense"}, ValueError, "Write five fields"),
        ({"cron": "0 9 * * *", "tz": "Mars/Base"}, ValueError, "is not a time zone"),
        ({}, ValueError, "give cron= or every="),
        ({"every": "1h", "overlap": "both"}, ValueError, "overlap is one of"),
        ({"every": "1h", "catch_up": "some"}, ValueError, "catch_up is one of"),
        ({"every": "1h", "name": "no spaces"}, ValueError, "schedule name 'no spaces'"),
        ({"every": "1h", "input": 5}, InvalidInput, "input of report"),
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_stored(db, report, asked, error, answer):
    with pytest.raises(error, match=answer):
        schedule(report, **asked)

    assert not Row.objects.exists()


def test_a_schedule_is_of_a_workflow(report):
    with pytest.raises(TypeError, match="takes what @workflow made, not 'report'"):
        schedule("report", every="1h")


def test_a_schedule_made_at_run_time_is_stored_in_the_callers_transaction(db, report):
    def view() -> None:
        with transaction.atomic():
            schedule(report, every="1h")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        view()

    assert not Row.objects.exists()


def test_the_same_name_again_changes_the_schedule(db, report):
    first = schedule(report, every="1h", input="DE", name="nightly")
    again = schedule(report, cron="0 3 * * *", input="FR", name="nightly")

    assert Row.objects.count() == 1
    assert (again.input, again.words) == ("FR", "At 03:00 every day (UTC)")
    assert first.refresh().next_at.hour == 3


def test_a_change_of_the_input_alone_does_not_move_the_next_time(db, report):
    first = schedule(report, every="7d", input="DE")
    clock_before = first.next_at

    assert schedule(report, every="7d", input="FR").next_at == clock_before


def test_an_unknown_schedule_is_said_to_be_unknown(db):
    with pytest.raises(UnknownSchedule, match="no schedule is called 'x'"):
        get_schedule("x")


def test_a_row_has_one_timing(db, report):
    schedule(report, every="1h")

    with pytest.raises(IntegrityError), transaction.atomic():
        Row.objects.update(cron="* * * * *")


# ---- declaring ---------------------------------------------------------------------------


def test_a_declaration_is_stored_once_however_many_workers_start(db, report, monkeypatch):
    nightly = declare(monkeypatch, report, cron="0 3 * * *", tz="Europe/Berlin", input="DE")
    assert not Row.objects.exists()
    with pytest.raises(UnknownSchedule, match="stored by `migrate` or a worker's start"):
        _ = nightly.state

    syncing.sync()
    row = Row.objects.get()
    syncing.sync()

    assert (nightly.state, nightly.source, nightly.input) == ("active", "code", "DE")
    assert Row.objects.get().rev == row.rev


def test_two_declarations_of_one_name_are_refused_at_import(report, monkeypatch):
    declare(monkeypatch, report, every="1h")
    declare(monkeypatch, report, every="1h")  # the module, imported a second time

    with pytest.raises(ValueError, match="two schedules are called 'report'"):
        declare(monkeypatch, report, every="2h")


def test_a_wrong_declaration_is_refused_at_import(report, monkeypatch):
    with pytest.raises(InvalidInput, match="input of report"):
        declare(monkeypatch, report, every="1h", input=5)


def test_a_changed_declaration_changes_the_schedule(db, report, monkeypatch):
    nightly = declare(monkeypatch, report, every="1h")
    syncing.sync()
    declaring.declared.clear()

    declare(monkeypatch, report, cron="0 3 * * *", input="DE")
    syncing.sync()

    assert (nightly.words, nightly.input) == ("At 03:00 every day (UTC)", "DE")


def test_a_pause_of_an_operator_survives_a_deploy(db, report, monkeypatch):
    nightly = declare(monkeypatch, report, every="1h")
    syncing.sync()
    nightly.pause("the partner is down", by="dana")
    declaring.declared.clear()

    declare(monkeypatch, report, every="2h")
    syncing.sync()

    row = Row.objects.get()
    assert nightly.refresh().state == "paused"
    assert (row.paused_by, row.pause_reason, row.due_at) == ("dana", "the partner is down", None)


def test_a_removed_declaration_ends_and_comes_back_with_its_history(runs, report, monkeypatch):
    nightly = declare(monkeypatch, report, every="1h")
    syncing.sync()
    runs.advance("1h")
    declaring.declared.clear()

    syncing.sync()
    assert nightly.refresh().state == "ended"
    runs.advance("5h")
    assert len(nightly.runs()) == 1

    declare(monkeypatch, report, every="1h")
    syncing.sync()
    assert nightly.refresh().next_at > clock.now()
    runs.advance("1h")
    assert len(nightly.runs()) == 2


def test_a_declaration_that_is_back_soon_has_lost_no_time(runs, report, monkeypatch):
    """An old worker that starts again in the middle of a deploy ends what is new."""
    nightly = declare(monkeypatch, report, every="10m")
    syncing.sync()
    first = nightly.next_at
    declaring.declared.clear()
    syncing.sync()
    runs.advance("10m")
    assert nightly.runs() == []

    declare(monkeypatch, report, every="10m")
    syncing.sync()
    runs.drain()

    assert [run.scheduled_at for run in nightly.runs()] == [first]


def test_what_another_project_has_declared_is_left_alone(db, report, monkeypatch):
    nightly = declare(monkeypatch, report, every="1h")
    syncing.sync()
    declaring.declared.clear()
    del registry._by_name["report"]

    syncing.sync()

    assert nightly.refresh().state == "active"
    Row.objects.update(module="humantasks.workflows")  # of an app that is installed here
    syncing.sync()
    assert nightly.refresh().state == "ended"


def test_a_declaration_takes_an_operators_schedule_over_and_keeps_it(db, report, monkeypatch):
    made = schedule(report, every="1h", name="nightly")
    declare(monkeypatch, report, every="1h", name="nightly")

    syncing.sync()

    assert made.refresh().source == "code"
    with pytest.raises(ActionRefused, match="is declared in code"):
        schedule(report, every="2h", name="nightly")
    with pytest.raises(ActionRefused, match="take it out there, or pause it"):
        made.delete()
    assert Row.objects.get().every == HOUR


@pytest.mark.django_db(transaction=True)
def test_migrate_stores_what_is_declared_and_flush_does_not(report, monkeypatch):
    declare(monkeypatch, report, every="1h")
    # All that `flush` does, but for the deleting: the permissions of all tests would be new.
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert not Row.objects.exists()

    call_command("migrate", verbosity=0)

    assert Row.objects.get().source == Source.CODE


# ---- operating ---------------------------------------------------------------------------


def test_a_paused_schedule_starts_nothing_and_goes_on_with_the_next_time(runs, report):
    hourly = schedule(report, every="1h", catch_up="all")
    hourly.pause()
    assert hourly.next_at is None
    runs.advance("5h")
    assert hourly.runs() == []

    hourly.resume()
    runs.advance("1h")

    assert len(hourly.runs()) == 1


def test_pause_and_resume_say_when_they_are_of_no_use(db, report):
    hourly = schedule(report, every="1h")

    with pytest.raises(ActionRefused, match="that is active cannot be resumed"):
        hourly.resume()
    hourly.pause()
    with pytest.raises(ActionRefused, match="that is paused cannot be paused"):
        hourly.pause()
    with pytest.raises(UnknownSchedule):
        Schedule("x").pause()


def test_a_trigger_starts_a_run_now_whatever_is_in_progress(runs):
    @workflow(name="long")
    async def long(ctx: Context) -> None:
        await ctx.wait_for_event("end")

    hourly = schedule(long, every="1h")
    before = hourly.next_at
    runs.advance("1h")

    run = hourly.trigger(initiator="dana")

    assert (run.refresh().status, run.initiator) == ("waiting", "dana")
    assert hourly.runs()[0] == run
    assert hourly.refresh().next_at == before + HOUR


def test_a_trigger_with_a_known_key_finds_its_run(runs, report):
    hourly = schedule(report, every="1h")

    first, second = (hourly.trigger(idempotency_key="once") for _ in range(2))

    assert first == second


def test_a_preview_shows_the_next_times_in_the_zone_of_the_schedule(db, report):
    nightly = schedule(report, cron="30 2 * * *", tz="Europe/Berlin")

    spring = datetime(2027, 3, 27, tzinfo=ZoneInfo("UTC"))
    shown = [f"{time:%d %H:%M %Z}" for time in nightly.preview(3, after=spring)]

    assert shown == ["27 02:30 CET", "28 03:00 CEST", "29 02:30 CEST"]
    assert nightly.preview(1)[0] == nightly.next_at
    with pytest.raises(ValueError, match="1 to 1000 times"):
        nightly.preview(0)


def test_a_backfill_starts_what_was_never_started_one_after_the_other(runs, report):
    hourly = schedule(report, every="1h")
    runs.advance("1h")
    [done] = hourly.runs()

    made = hourly.backfill(done.scheduled_at - 3 * HOUR, done.scheduled_at)
    runs.drain()

    assert [run.scheduled_at for run in made] == [
        done.scheduled_at - number * HOUR for number in (3, 2, 1)
    ]
    starts = [run.refresh().started_at for run in made]
    assert starts == sorted(starts)
    assert {run.status for run in hourly.runs()} == {"completed"}
    assert hourly.backfill(done.scheduled_at - 3 * HOUR, done.scheduled_at) == []


def test_a_backfill_leaves_alone_what_had_its_run_with_another_input(runs, report):
    hourly = schedule(report, every="1h", input="old")
    runs.advance("1h")
    [done] = hourly.runs()
    schedule(report, every="1h", input="new")

    made = hourly.backfill(done.scheduled_at - 2 * HOUR, done.scheduled_at)

    assert [(run.scheduled_at, run.input) for run in made] == [
        (done.scheduled_at - number * HOUR, "new") for number in (2, 1)
    ]


def test_a_backfill_is_bounded_and_lies_in_the_past(db, report):
    secondly = schedule(report, every="1s")
    now = clock.now()

    with pytest.raises(ValueError, match="at most 1000 runs"):
        secondly.backfill(now - HOUR, now)
    with pytest.raises(ValueError, match="is in the future"):
        secondly.backfill(now, now + HOUR)
    with pytest.raises(ValueError, match="start= needs a time zone"):
        secondly.backfill(datetime(2026, 1, 1), now)
    assert secondly.runs() == []


def test_a_deleted_schedule_starts_nothing_more_and_keeps_its_history(runs, report):
    hourly = schedule(report, every="1h")
    runs.advance("1h")
    hourly.delete()
    runs.advance("3h")

    assert (hourly.state, len(hourly.runs())) == ("ended", 1)
    for verb in ("pause", "resume", "delete", "trigger"):
        with pytest.raises(ActionRefused, match="has ended cannot be"):
            getattr(hourly, verb)()


def test_a_fork_of_a_scheduled_run_has_its_time_and_is_none_of_the_schedule(runs, effect):
    @workflow(name="stepping")
    async def stepping(ctx: Context) -> datetime | None:
        await ctx.step("s", effect)
        return ctx.scheduled_at

    hourly = schedule(stepping, every="1h")
    runs.advance("1h")
    [run] = hourly.runs()

    fork = run.fork("s")
    runs.drain()

    assert fork.refresh().result() == run.scheduled_at
    assert hourly.runs() == [run]


def test_a_look_says_when_to_look_again(db, report):
    keeper = Keeper()
    assert keeper.look() == 1.0
    schedule(report, every="1h")
    clock.move(firing.next_due() - clock.now() - timedelta(milliseconds=300))
    try:
        assert 0 < keeper.look() < 0.5
        clock.move(timedelta(seconds=1))
        assert keeper.look() == 0.0
    finally:
        clock.move(-clock.skew())
