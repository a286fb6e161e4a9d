"""What a step tells while it is executed: shown, kept, and handed to the next attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, NotSerializable, PayloadTooLarge, Retry, current_step, workflow
from orchestrator.models import Attempt, Entry, Run

THRICE = Retry(max_attempts=3, initial_delay="1m", max_delay="1m", jitter=False)


def paging(runs, work, **options):
    """A run with one step that calls `work`."""

    @workflow(name="paging")
    async def paging(ctx: Context) -> object:
        return await ctx.step("pages", work, **options)

    return runs.start(paging)


def test_what_a_step_told_last_is_kept_with_its_end(runs):
    def work() -> None:
        current_step().heartbeat({"page": 1})
        current_step().heartbeat({"page": 2})

    run = paging(runs, work)

    assert run.steps[0].details == {"page": 2}


def test_the_next_attempt_finds_what_the_one_before_has_told(runs):
    found = []

    def work() -> str:
        found.append(current_step().details)
        if current_step().attempt == 1:
            current_step().heartbeat({"page": 40})
            raise ConnectionError("gone")
        return "done"

    run = paging(runs, work, retry=THRICE)
    runs.advance("1m")

    assert run.refresh().result() == "done"
    assert found == [None, {"page": 40}]
    assert Attempt.objects.get(run_id=run.id).details == {"page": 40}


def test_an_attempt_that_tells_nothing_passes_on_what_it_found(runs):
    found = []

    def work() -> None:
        found.append(current_step().details)
        if current_step().attempt == 1:
            current_step().heartbeat("page 3")
        if current_step().attempt < 3:
            raise ConnectionError("gone")

    paging(runs, work, retry=THRICE)
    runs.advance("5m")

    assert found == [None, "page 3", "page 3"]


def test_after_a_crash_the_step_finds_what_the_last_heartbeat_has_stored(runs):
    found = []

    def work() -> None:
        found.append(current_step().details)
        # What a worker's heart writes while the step is executing.
        shown = {"key": "pages", "attempt": 1, "started_at": None, "details": {"page": 7}}
        Run.objects.filter(id=current_step().run_id).update(in_flight=[shown])

    runs.crash_at("after_body", step="pages")
    paging(runs, work)
    runs.drain()

    assert found == [None, {"page": 7}]


def test_a_retry_by_an_operator_goes_on_from_there(runs):
    found = []

    def work() -> None:
        found.append(current_step().details)
        current_step().heartbeat({"page": 9})
        if len(found) == 1:
            raise ConnectionError("gone")

    run = paging(runs, work, retry=Retry(max_attempts=1))
    run.retry()
    runs.drain()

    assert run.refresh().status == "completed"
    assert found == [None, {"page": 9}]


def test_what_cannot_be_stored_is_refused(runs):
    def socket() -> None:
        with pytest.raises(NotSerializable, match="details"):
            current_step().heartbeat(object())

    def flood() -> None:
        with pytest.raises(PayloadTooLarge):
            current_step().heartbeat("x" * 10_000)

    assert paging(runs, socket).status == "completed"
    assert paging(runs, flood).status == "completed"


class Busy(Exception):
    def __init__(self, retry_after: object) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(120, 120), (timedelta(minutes=3), 180), (1, 60), ("soon", 60), (-5, 60), (1e12, 86_400)],
)
def test_an_error_may_ask_for_a_longer_wait(runs, asked, seconds):
    def work() -> None:
        raise Busy(asked)

    run = paging(runs, work, retry=THRICE)

    [wait] = run.waiting_on
    assert wait.until is not None
    failed = Attempt.objects.get(run_id=run.id)
    assert round((wait.until - failed.finished_at).total_seconds()) == seconds


def test_the_start_of_the_last_attempt_is_recorded_beside_that_of_the_first(runs):
    run = paging(runs, lambda: None, retry=THRICE)
    quick = Entry.objects.get(run_id=run.id, key="pages")
    assert quick.detail is None

    runs.fail(step="pages", error=ConnectionError("gone"))
    run = paging(runs, lambda: None, retry=THRICE)
    runs.advance("1m")
    entry = Entry.objects.get(run_id=run.id, key="pages")

    assert entry.detail["max_attempts"] == 3
    assert entry.detail["attempt_started_at"] > entry.started_at.isoformat()
