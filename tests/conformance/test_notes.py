"""Logs, attributes, progress and heartbeats: what a run and its steps say of themselves."""

from __future__ import annotations

import logging

import pytest

from orchestrator import Context, current_step, workflow
from tests.conformance.world import AT_ONCE, ONCE


@pytest.fixture
def lines(caplog):
    """What the runs of a test have logged: level, message and fields."""
    caplog.set_level(logging.DEBUG, logger="orchestrator")

    def read() -> list[tuple[str, str, dict]]:
        return [
            (record.levelname.lower(), record.getMessage(), record.fields)
            for record in caplog.records
            if hasattr(record, "fields")
        ]

    return read


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_run_logs_at_each_level_with_fields(runs, lines, level):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        getattr(ctx.logger, level)("processing user", email="a@example.org", tries=2)

    runs.start(w)

    assert lines() == [(level, "processing user", {"email": "a@example.org", "tries": 2})]


def test_a_line_names_its_run(runs, caplog):
    caplog.set_level(logging.INFO, logger="orchestrator")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("here")

    run = runs.start(w)

    [record] = [one for one in caplog.records if hasattr(one, "fields")]
    assert (record.run_id, record.workflow) == (str(run.id), "w")


def test_a_replay_writes_no_line_twice(runs, lines):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("before")
        await ctx.sleep("1h")
        ctx.logger.info("between")
        await ctx.sleep("1h")
        ctx.logger.info("after")

    runs.start(w)
    runs.advance("1h")
    runs.advance("1h")

    assert [message for _, message, _ in lines()] == ["before", "between", "after"]


def test_an_exception_is_logged_with_its_traceback(runs, lines):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", lambda: 1 / 0)
        except ZeroDivisionError:
            ctx.logger.exception("could not charge", order=7)

    runs.start(w)

    [(level, message, fields)] = lines()
    assert (level, message, fields["order"]) == ("error", "could not charge", 7)
    assert "ZeroDivisionError" in fields["exception"]


def test_a_step_logs_each_attempt(runs, lines):
    def flaky() -> None:
        step = current_step()
        step.logger.warning("trying", number=step.attempt)
        if step.attempt < 3:
            raise ConnectionError("later")

    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", flaky)

    runs.start(w)

    assert lines() == [("warning", "trying", {"number": number}) for number in (1, 2, 3)]


def test_a_field_that_cannot_be_stored_is_shown_as_text(runs, lines):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("odd \x00 text", thing=object(), nan=float("nan"))

    run = runs.start(w)

    assert run.status == "completed"
    assert "object" in lines()[0][2]["thing"]


# ---- attributes --------------------------------------------------------------------------


def test_a_run_sets_attributes_to_be_found_by(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_attributes(customer="c-7", country="DE", amount=3.5, vip=True)

    assert runs.start(w).attributes == {
        "customer": "c-7",
        "country": "DE",
        "amount": 3.5,
        "vip": True,
    }


def test_attributes_are_changed_one_by_one(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_attributes(stage="started")
        await ctx.sleep("1h")
        ctx.set_attributes(stage="done")

    run = runs.start(w, attributes={"country": "DE"})
    assert run.attributes == {"country": "DE", "stage": "started"}
    runs.advance("1h")

    assert run.refresh().attributes == {"country": "DE", "stage": "done"}


@pytest.mark.parametrize(
    "attributes", [{"a": None}, {"a": [1]}, {"a": "x" * 1_000}, {"a": "\x00"}, {"a": float("nan")}]
)
def test_an_attribute_that_cannot_be_searched_is_refused(runs, attributes):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_attributes(**attributes)

    run = runs.start(w)

    assert run.status == "failed"
    assert "'a'" in run.error["message"]
    with pytest.raises((TypeError, ValueError), match="'a'"):
        w.start(attributes=attributes)


# ---- progress ----------------------------------------------------------------------------


def test_a_run_shows_how_far_it_is(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_progress(0.4, "12 of 30 documents")
        await ctx.sleep("1h")
        ctx.set_progress(1)

    run = runs.start(w)
    assert run.progress == (0.4, "12 of 30 documents")
    runs.advance("1h")

    assert run.refresh().progress == (1.0, "")


def test_a_run_that_says_nothing_has_no_progress(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    assert runs.start(w).progress is None


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), "x", None])
def test_progress_is_a_number_from_0_to_1(runs, fraction):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_progress(fraction)

    run = runs.start(w)

    assert run.status == "failed"
    assert "from 0 to 1" in run.error["message"]


# ---- heartbeats --------------------------------------------------------------------------


def test_what_an_attempt_has_told_is_there_for_the_next(runs):
    seen = []

    def load() -> None:
        step = current_step()
        seen.append(step.details)
        step.heartbeat({"rows": 10 * step.attempt})
        if step.attempt < 3:
            raise ConnectionError("later")

    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("load", load)

    runs.start(w)

    assert seen == [None, {"rows": 10}, {"rows": 20}]


def test_a_heartbeat_may_say_nothing(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("load", lambda: current_step().heartbeat())

    assert runs.start(w).status == "completed"


# ---- only from the body ------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda ctx: ctx.logger.info("x"),
        lambda ctx: ctx.set_progress(0.5),
        lambda ctx: ctx.set_attributes(a=1),
        lambda ctx: ctx.uuid4(),
        lambda ctx: ctx.random.random(),
    ],
)
def test_a_step_that_uses_the_body_s_context_is_told_so(runs, call):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("odd", lambda: call(ctx))

    run = runs.start(w)

    assert run.status == "failed"
    assert "'odd'" in run.error["message"]
