"""The journal as bars: who executed when, and who waited for what."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from dashboard.queries import run as queries
from dashboard.timeline import Row, timeline
from orchestrator import Context, Retry, Run, clock, workflow
from orchestrator.models import Run as Stored
from orchestrator.testing.runs import Runs


def rows(run: Run[object]) -> dict[str, Row]:
    return {row.key: row for row in queries.timeline(Stored.objects.get(id=run.id)).rows}


def kinds(row: Row) -> list[str]:
    return [segment.kind + ("!" if segment.failed else "") for segment in row.segments]


def test_a_step_and_the_waits_of_every_kind(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("step", dict)
        await ctx.sleep("1h")
        await ctx.wait_for_event("event")

    found = rows(runs.start(w))
    assert (kinds(found["step"]), kinds(found["sleep"])) == (["run"], ["sleep"])

    run = runs.start(w)
    runs.advance("1h")
    found = rows(run)
    assert kinds(found["event"]) == ["event"]
    assert found["event"].status == "waiting"
    assert found["event"].segments[0].end is None
    assert found["sleep"].segments[0].end is not None


def test_failed_attempts_and_what_lies_between_them(runs: Runs) -> None:
    tries: list[int] = []

    def flaky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("down")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("flaky", flaky, retry=Retry(initial_delay="10s", jitter=False))

    run = runs.start(w)
    retrying = rows(run)["flaky"]
    assert (retrying.status, kinds(retrying)) == ("awaiting_retry", ["run!", "backoff"])
    assert retrying.segments[-1].end is None

    runs.advance("1m")
    done = rows(run)["flaky"]
    assert (done.status, done.attempts) == ("completed", 3)
    assert kinds(done) == ["run!", "run!", "backoff", "backoff", "run"]
    first, second, *_ = done.segments
    assert second.start - first.start >= timedelta(seconds=10)
    # The last attempt begins after its back-off, not with the step.
    assert done.segments[-1].start == done.segments[-2].end


def test_parallel_steps_have_a_bracket(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("before", dict)
        await asyncio.gather(*(ctx.step(name, dict) for name in "abc"))
        await ctx.step("after", dict)

    found = rows(runs.start(w))

    assert {key: row.bracket for key, row in found.items()} == {
        "before": "",
        "a": "first",
        "b": "inside",
        "c": "last",
        "after": "",
    }


def test_the_loser_of_a_race_ends_with_the_winner(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        answer = asyncio.create_task(ctx.wait_for_event("answer"))
        reminder = asyncio.create_task(ctx.sleep("1h"))
        await asyncio.wait({answer, reminder}, return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()
        await ctx.sleep("10d", name="rest")

    run = runs.start(w)
    runs.advance("1h")

    found = rows(run)
    assert found["answer"].status == "cancelled"
    assert found["answer"].segments[0].end == found["sleep"].segments[0].end


def test_a_step_that_executes_is_open(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    run = runs.start(w)
    since = clock.now()
    Stored.objects.filter(id=run.id).update(
        owned=True, in_flight=[{"key": "upload", "attempt": 1, "started_at": since.isoformat()}]
    )

    upload = rows(run)["upload"]

    assert (upload.status, kinds(upload)) == ("running", ["run"])
    assert (upload.segments[0].start, upload.segments[0].end) == (since, None)


def test_the_cancel_is_no_row(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("never")

    run = runs.start(w)
    run.cancel("enough")

    assert list(rows(run)) == ["never"]
    assert rows(run)["never"].segments[0].end is not None


def test_every_row_can_be_drawn(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(ctx.step("a", dict), ctx.sleep("30d"), ctx.wait_for_event("b"))

    run = runs.start(w)
    runs.advance("40d")
    page = queries.timeline(Stored.objects.get(id=run.id))

    layout = timeline(page.rows, clock.now(), queued_at=run.created_at)

    assert all(placed.bars for placed in layout.rows)


def test_what_a_fork_has_of_another_run_is_marked(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", dict)
        await ctx.step("b", dict)

    run = runs.start(w)
    runs.advance("1m")
    fork = run.fork("b")

    assert {key: row.inherited for key, row in rows(fork).items()} == {"a": True, "b": False}


def test_a_change_that_the_run_has_taken_is_no_row(runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.patched("new-rates")
        await ctx.step("a", dict)
        await ctx.wait_for_event("b")

    assert list(rows(runs.start(w))) == ["a", "b"]
