"""What else a body may do: take changes of its code, undo its steps, start children, say things."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from orchestrator.core.changes import changes_in
from orchestrator.core.codec import encode
from orchestrator.core.errors import (
    CompensationFailed,
    InvalidInput,
    NestedStep,
    RunCancelled,
    RunFailed,
    UndecodableValue,
)
from tests.core.playing import in_step, work
from tests.core.shapes import Handle

# ---- changes -------------------------------------------------------------------------


async def before(ctx: Any) -> str:
    await ctx.step("a", work)
    await ctx.step("b", work)
    return "old"


async def after(ctx: Any) -> str:
    await ctx.step("a", work)
    if ctx.patched("add-c"):
        await ctx.step("c", work)
    await ctx.step("b", work)
    return "new" if ctx.patched("add-c") else "old"


def test_a_new_run_takes_the_changed_branch_and_keeps_to_it(play):
    run = play(after).answer("a")
    assert run.pending == ["c"]
    assert run.replay().pending == ["c"]
    run.answer("c").answer("b")

    assert (run.value, run.replay().value) == ("new", "new")


def test_a_run_that_was_past_the_place_keeps_to_the_old_branch(play):
    run = play(before).answer("a")

    again = run.replay(after)

    assert again.pending == ["b"]
    assert again.answer("b").value == "old"


def test_a_run_that_had_not_come_to_the_place_keeps_to_the_old_branch_too(play):
    run = play(before)

    assert run.replay(after).answer("a").pending == ["b"]


def in_a_helper(ctx: Any) -> bool:
    return bool(ctx.patched("deep"))


async def with_helpers(ctx: Any) -> bool:
    def inner() -> bool:
        return bool(ctx.patched("inner"))

    return inner() and in_a_helper(ctx) and ctx.patched("made" + str(1)) and ctx.patched


def test_the_changes_of_a_code_are_the_texts_that_it_hands_to_patched():
    assert changes_in(with_helpers) == {"inner", "deep"}


def test_a_change_does_not_move_what_is_asked_for_after_it(play):
    run = play(after).answer("a")
    places = {one.key: (one.position, one.cause) for one in run.body.asked.values()}

    again = run.replay()

    assert {one.key: (one.position, one.cause) for one in again.body.asked.values()}.items() <= (
        places.items()
    )


def test_a_change_is_no_business_of_a_step(play):
    async def body(ctx):
        await ctx.step("a", work)

    run = play(body)
    for name in ("", "x" * 200, "@x", None):
        with pytest.raises((ValueError, TypeError)):
            run.ctx.patched(name)


# ---- undoing -------------------------------------------------------------------------


async def book(ctx: Any) -> None:
    await ctx.step("flight", work, compensate=work)
    await ctx.step("hotel", work, compensate=work)
    await ctx.step("car", work)


def test_a_failed_body_undoes_its_steps_from_the_last_to_the_first(play):
    run = play(book).answer("flight", "F1").answer("hotel", "H1").fail("car", ValueError("none"))
    assert run.pending == ["undo hotel"]
    assert run.body.asked["undo hotel"].args == ("H1",)
    run.answer("undo hotel")
    assert run.pending == ["undo flight"]

    assert str(run.answer("undo flight").error) == "none"
    assert str(run.replay().error) == "none"


def test_a_step_that_failed_is_not_undone(play):
    run = play(book).answer("flight").fail("hotel", ValueError("full"))

    assert run.pending == ["undo flight"]


def test_a_body_that_ends_well_undoes_nothing(play):
    run = play(book).answer("flight").answer("hotel").answer("car")

    assert run.value is None
    assert run.pending == []


def test_undoing_can_be_left_to_the_body(play):
    run = play(book, compensates=False).answer("flight").fail("hotel", ValueError("full"))

    assert str(run.error) == "full"


def test_undoing_goes_on_after_a_failure_and_names_what_is_left(play):
    run = play(book).answer("flight").answer("hotel").fail("car", ValueError("none"))
    run.fail("undo hotel", ConnectionError("down")).answer("undo flight")

    assert isinstance(run.error, CompensationFailed)
    assert "undo hotel" in str(run.error)
    assert isinstance(run.error.__context__, ValueError) or "none" in str(run.error)


def test_undoing_by_hand_happens_once(play):
    async def body(ctx):
        try:
            await book(ctx)
        except ValueError:
            await ctx.compensate()
            raise

    run = play(body).answer("flight").fail("hotel", ValueError("full")).answer("undo flight")

    assert str(run.error) == "full"
    assert run.asked == ["flight", "hotel", "undo flight"]


def test_a_cancel_while_a_step_is_undone_does_not_forget_it(play):
    async def body(ctx):
        try:
            await ctx.step("flight", work, compensate=work)
            await ctx.step("hotel", work)
        except ValueError:
            try:
                await ctx.compensate()
            except asyncio.CancelledError:
                await ctx.compensate()
                raise

    run = play(body).answer("flight").fail("hotel", ValueError("full")).cancel()

    assert [key for key in run.pending if key.startswith("undo flight")]


def test_what_cannot_be_called_is_refused_when_the_step_is_asked_for(play):
    """Or it is found when the other steps are being undone, and stops that."""

    async def body(ctx):
        await ctx.step("flight", work, compensate="refund")

    run = play(body)

    assert run.asked == []
    assert isinstance(run.error, TypeError)


# ---- children ------------------------------------------------------------------------


class Children:
    """The engine's side: children whose input is valid as long as `is_valid`."""

    is_valid = True

    def child_detail(self, workflow: str, value: Any, on_parent_cancel: str) -> dict[str, Any]:
        if not self.is_valid:
            raise InvalidInput("the child's input has another type now")
        return {"workflow": workflow, "input": encode(value)}

    def start_child(self, workflow: str, value: Any, on_parent_cancel: str) -> UUID:
        raise AssertionError("a step's function is not called by the body")


CHILD = SimpleNamespace(name="child")


async def parent(ctx: Any) -> Any:
    return await ctx.start_child(CHILD, 5)


def ended(status: str, **fields: Any) -> dict[str, Any]:
    return {"status": status, "run_id": "r1", **fields}


def test_the_output_of_a_child(play):
    run = play(parent, effects=Children())
    assert [(one.kind, one.detail["workflow"]) for one in run.new] == [("child", "child")]

    assert run.answer("child", ended("completed", output=encode((1, 2)))).value == (1, 2)


@pytest.mark.parametrize(("status", "error"), [("failed", RunFailed), ("cancelled", RunCancelled)])
def test_a_child_that_did_not_complete(play, status, error):
    run = play(parent, effects=Children())
    run.answer("child", ended(status, error={"message": "too bad"}))

    assert isinstance(run.error, error)
    assert "too bad" in str(run.error)


def test_a_replay_does_not_validate_the_input_of_a_child_again(play):
    """The child's code may have changed, or its input may have had to be in the future."""
    children = Children()
    run = play(parent, effects=children)
    children.is_valid = False

    again = run.replay()
    assert again.pending == ["child"]

    assert again.answer("child", ended("completed", output="5")).value == 5


def test_the_input_of_a_child_is_validated_when_it_is_started(play):
    children = Children()
    children.is_valid = False
    run = play(parent, effects=children)

    assert isinstance(run.error, InvalidInput)
    assert run.asked == []


def test_an_output_of_a_child_that_cannot_be_read_blocks_the_run(play):
    """As the result of a step does: it is the code that is wrong, not the run."""
    run = play(parent, effects=Children())
    gone = ended("completed", output='{"$":"dataclass","c":"nowhere:X","v":{}}')

    with pytest.raises(UndecodableValue):
        run.answer("child", gone)


def test_a_child_that_is_not_waited_for_is_a_step(play):
    async def body(ctx):
        return await ctx.start_child(CHILD, 5, wait=False)

    run = play(body, effects=Children())
    [step] = run.new
    assert (step.kind, step.atomic) == ("step", True)

    assert run.answer("child", UUID(int=5)).value.id == UUID(int=5)


def test_what_becomes_of_a_child_is_one_of_two_words(play):
    async def body(ctx):
        await ctx.start_child(CHILD, 5, on_parent_cancel="forget")

    assert isinstance(play(body, effects=Children()).error, ValueError)


# ---- lines, attributes, progress -----------------------------------------------------


def test_a_line_is_written_once_whatever_is_replayed(play, caplog):
    async def body(ctx):
        ctx.logger.info("begun", n=1)
        await ctx.step("a", work)
        ctx.logger.warning("done")
        await ctx.step("b", work)

    run = play(body).answer("a")
    assert [line.message for line in run.body.notes.lines] == ["begun", "done"]
    again = play(body)
    again.body.notes.lines.clear()
    again.body.notes.made, again.body.notes.stored = 0, 2

    assert [line.fields for line in run.body.notes.lines] == [{"n": 1}, {}]


def test_a_line_of_a_body_that_is_dropped_is_not_written(play):
    async def body(ctx):
        try:
            await ctx.step("a", work)
        finally:
            ctx.logger.info("finally")

    run = play(body)
    run.close()

    assert run.body.notes.lines == []


def test_a_line_takes_whatever_it_is_given(play):
    async def body(ctx):
        ctx.logger.error("nul \x00 and \ud800", handle=Handle(), number=math.nan)

    [line] = play(body).body.notes.lines

    assert "\x00" not in line.message
    assert line.message.encode()
    assert set(line.fields) == {"handle", "number"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": None},
        {"a": [1]},
        {"a": "x" * 300},
        {"a": "\x00"},
        {"a": "\ud800"},
        {"a": math.nan},
        {"\x00": 1},
        {"\ud800": 1},
        {"": 1},
        {"x" * 101: 1},
        {f"a{n}": n for n in range(60)},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_attributes_that_no_index_takes(play, attributes):
    async def body(ctx):
        ctx.set_attributes(**attributes)

    run = play(body)

    assert isinstance(run.error, (TypeError, ValueError))
    assert run.body.notes.attributes == {}


def test_attributes_and_progress(play):
    async def body(ctx):
        ctx.set_attributes(customer="c-1", amount=5)
        ctx.set_attributes(amount=6)
        ctx.set_progress(0.4, "12 of 30")

    notes = play(body).body.notes

    assert notes.attributes == {"customer": "c-1", "amount": 6}
    assert notes.changed_attributes({"customer": "c-1"}) == {"amount": 6}
    assert notes.changed_attributes({"customer": "c-1", "amount": 6}) is None
    assert notes.progress == (0.4, "12 of 30")


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_progress_that_is_none(play, fraction):
    async def body(ctx):
        ctx.set_progress(fraction)

    assert isinstance(play(body).error, ValueError)


def test_a_step_has_a_log_of_its_own(play):
    async def body(ctx):
        await ctx.step("a", work)

    run = play(body)
    with in_step():
        for call in (
            lambda: run.ctx.logger.info("x"),
            lambda: run.ctx.set_attributes(a=1),
            lambda: run.ctx.set_progress(1),
        ):
            with pytest.raises(NestedStep):
                call()
