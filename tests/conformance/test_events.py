"""Events of a run: kept until it asks for them, taken once, in the order of their arrival."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from django.db import transaction
from pydantic import BaseModel

from orchestrator import (
    Context,
    Delivery,
    EventTimeout,
    InvalidInput,
    StepFailed,
    get_run,
    send_event,
    workflow,
)


class Payment(BaseModel):
    amount: int


@pytest.fixture
def waiting(runs):
    """A run that waits for the event "go"."""

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    return runs.start(w)


def test_a_run_shows_the_event_that_it_waits_for(waiting):
    [wait] = waiting.waiting_on

    assert waiting.status == "waiting"
    assert (wait.kind, wait.name, wait.until) == ("event", "go", None)
    assert wait.since is not None


def test_an_event_s_payload_is_what_the_body_gets(runs, waiting):
    runs.send_event(waiting, "go", {"amount": 30})

    assert waiting.result() == {"amount": 30}


def test_an_event_may_have_no_payload(runs, waiting):
    runs.send_event(waiting, "go")

    assert waiting.result() is None


def test_an_event_is_sent_by_handle_by_id_or_by_text(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return [await ctx.wait_for_event("go") for _ in range(3)]

    run = runs.start(w)
    for number, target in enumerate((run, run.id, str(run.id))):
        assert send_event("go", number, run=target).delivered

    assert run.refresh().result() == [0, 1, 2]


def test_what_was_delivered_says_to_which_run(waiting):
    assert waiting.send_event("go") == Delivery(delivered=True, reason="", run_ids=(waiting.id,))


def test_an_event_that_comes_before_the_wait_is_kept(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.sleep("1d")
        return await ctx.wait_for_event("go")

    run = runs.start(w)
    assert runs.send_event(run, "go", "early").delivered
    runs.advance("1d")

    assert run.refresh().result() == "early"


def test_an_event_that_comes_before_the_run_has_begun_is_kept(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    run = w.start(delay="1h")
    run.send_event("go", "very early")
    runs.advance("1h")

    assert run.refresh().result() == "very early"


def test_an_event_that_comes_while_a_step_executes_is_kept(runs):
    handle = []

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.step("slow", lambda: get_run(ctx.run_id).send_event("go", "meanwhile").delivered)
        return await ctx.wait_for_event("go")

    handle.append(runs.start(w))

    assert handle[0].result() == "meanwhile"


def test_events_are_taken_in_the_order_of_their_arrival(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        await ctx.sleep("1h")
        return [await ctx.wait_for_event("n") for _ in range(3)]

    run = runs.start(w)
    for number in (3, 1, 2):
        run.send_event("n", number)
    runs.advance("1h")

    assert run.refresh().result() == [3, 1, 2]


def test_one_event_ends_one_wait(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return await asyncio.gather(*(ctx.wait_for_event("n") for _ in range(2)))

    run = runs.start(w)
    runs.send_event(run, "n", 1)
    assert [step.status for step in run.steps] == ["completed", "open"]

    runs.send_event(run, "n", 2)
    assert run.result() == [1, 2]


def test_an_event_of_another_name_stays_where_it_is(runs, waiting):
    runs.send_event(waiting, "other", 1)

    assert waiting.status == "waiting"
    [event] = waiting.events
    assert (event.name, event.consumed_by) == ("other", None)


def test_a_wait_with_a_key_takes_only_events_with_that_key(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("paid", "o-2")

    run = runs.start(w)
    runs.send_event(run, "paid", "other order", key="o-1")
    runs.send_event(run, "paid", "no order")
    assert run.status == "waiting"

    runs.send_event(run, "paid", "this order", key="o-2")
    assert run.result() == "this order"


def test_a_wait_without_a_key_takes_events_with_any(runs, waiting):
    runs.send_event(waiting, "go", "keyed", key="k")

    assert waiting.result() == "keyed"


def test_waits_with_different_keys_are_answered_apart(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return await asyncio.gather(*(ctx.wait_for_event("paid", key=key) for key in "ab"))

    run = runs.start(w)
    runs.send_event(run, "paid", "for b", key="b")
    runs.send_event(run, "paid", "for a", key="a")

    assert run.result() == ["for a", "for b"]


def test_an_event_with_a_known_id_is_stored_once(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        first = await ctx.wait_for_event("n")
        return [first, await ctx.wait_for_event("n", timeout="1h", default="no other")]

    run = runs.start(w)
    first = run.send_event("n", 1, event_id="e-1")
    second = run.send_event("n", 1, event_id="e-1")
    runs.advance("1h")

    assert (first.delivered, second.delivered) == (True, False)
    assert "duplicate" in second.reason
    assert run.refresh().result() == [1, "no other"]


def test_the_same_id_in_two_runs_is_two_events(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("n")

    first, second = runs.start(w), runs.start(w)

    assert first.send_event("n", 1, event_id="e").delivered
    assert second.send_event("n", 2, event_id="e").delivered


def test_an_event_to_a_run_that_has_ended_says_so(runs, waiting):
    runs.send_event(waiting, "go")

    late = waiting.send_event("go")

    assert (late.delivered, late.run_ids) == (False, ())
    assert "completed" in late.reason


@pytest.mark.parametrize("run", [UUID(int=1), "no id at all"])
def test_an_event_to_an_unknown_run_says_so(runs, run):
    delivery = send_event("go", run=run)

    assert not delivery.delivered
    assert delivery.reason


def test_an_event_is_sent_with_the_caller_s_transaction_or_not_at_all(runs, waiting):
    with transaction.atomic():
        waiting.send_event("go", "rolled back")
        transaction.set_rollback(True)
    assert waiting.refresh().status == "waiting"
    assert waiting.events == []

    with transaction.atomic():
        waiting.send_event("go", "committed")
    assert waiting.refresh().result() == "committed"


def test_the_events_of_a_run_show_what_took_them(runs, waiting):
    runs.send_event(waiting, "go", {"amount": 30}, key="k", event_id="e-1")

    [event] = waiting.events

    assert (event.name, event.payload, event.key) == ("go", {"amount": 30}, "k")
    assert (event.consumed_by, event.event_id) == ("go", "e-1")
    assert event.received_at <= event.consumed_at


@pytest.mark.parametrize("name", ["", "@mine", "x" * 300, "a\x00", "\ud800", 5, None])
def test_an_event_has_a_name_that_somebody_can_wait_for(waiting, name):
    for send in (waiting.send_event, send_event):
        with pytest.raises(ValueError, match="name"):
            send(name)


@pytest.mark.parametrize("key", ["", "x" * 300, "a\x00", "\ud800", 5])
@pytest.mark.parametrize("option", ["key", "event_id"])
def test_the_key_and_the_id_of_an_event_are_texts(waiting, option, key):
    for send in (waiting.send_event, send_event):
        with pytest.raises(ValueError, match="a key is a text"):
            send("go", **{option: key})
    assert waiting.events == []


# ---- timeouts ------------------------------------------------------------------------


def test_a_wait_that_times_out_goes_on_with_its_default(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("renewed", timeout="7d", default=False)

    run = runs.start(w)
    [wait] = run.waiting_on
    assert (wait.until - wait.since).days == 7
    runs.advance("7d")

    assert run.refresh().result() is False
    assert [step.status for step in run.steps] == ["timed_out"]


def test_none_is_a_default_like_any_other(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("renewed", timeout="7d", default=None)

    run = runs.start(w)
    runs.advance("7d")

    assert run.refresh().result() is None


def test_a_wait_that_times_out_without_a_default_raises(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("renewed", timeout="7d")
        except EventTimeout as error:
            return f"{isinstance(error, TimeoutError)}: {error}"
        return ""

    run = runs.start(w)
    runs.advance("7d")

    assert run.refresh().result().startswith("True: ")
    assert "renewed" in run.result()


def test_an_event_that_is_there_wins_over_a_timeout_that_is_due(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("renewed", timeout="7d", default="too late")

    run = runs.start(w)
    runs.crash_at("after_claim")
    run.send_event("renewed", "in time")
    runs.advance("8d")

    assert run.refresh().result() == "in time"


def test_an_event_after_the_timeout_changes_nothing(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        renewed = await ctx.wait_for_event("renewed", timeout="7d", default="too late")
        await ctx.sleep("1d")
        return renewed

    run = runs.start(w)
    runs.advance("7d")
    assert runs.send_event(run, "renewed", "in vain").delivered
    runs.advance("1d")

    assert run.refresh().result() == "too late"


def test_a_timeout_keeps_the_end_that_it_had_when_its_length_is_changed(runs):
    length = ["1h"]

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("renewed", timeout=length[0], default="too late")

    run = runs.start(w)
    length[0] = "1w"
    run.send_event("other")
    runs.advance("1h")

    assert run.refresh().result() == "too late"


# ---- schemas -------------------------------------------------------------------------


@pytest.fixture
def paying(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        payment = await ctx.wait_for_event("paid", schema=Payment)
        return payment.amount

    return runs.start(w)


def test_a_payload_is_made_what_the_schema_says(runs, paying):
    runs.send_event(paying, "paid", {"amount": 30})

    assert paying.result() == 30


def test_a_payload_that_does_not_fit_is_refused_at_its_sender(paying):
    with pytest.raises(InvalidInput, match="amount"):
        paying.send_event("paid", {"amount": "much"})

    assert paying.events == []
    assert paying.refresh().status == "waiting"


@pytest.mark.parametrize("schema", [list[int], int | None, dict[str, int]])
def test_a_schema_may_be_any_type(runs, schema):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("n", schema=schema)
        except InvalidInput:
            return "refused"
        return "taken"

    run = runs.start(w)
    runs.send_event(run, "n", ["x"])

    assert run.result() == "refused"


def test_a_schema_may_be_any_function_that_raises(runs):
    def positive(number: int) -> None:
        if number < 1:
            raise ValueError("not positive")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            return str(await ctx.wait_for_event("n", schema=positive))
        except InvalidInput as error:
            return str(error)

    good, bad = runs.start(w), runs.start(w)
    runs.send_event(good, "n", 1)
    runs.send_event(bad, "n", 0)

    assert good.result() == "1"
    assert "not positive" in bad.result()


def test_a_schema_is_a_type_or_a_function(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("n", schema=5)

    assert "schema=5" in runs.start(w).error["message"]


def test_a_payload_that_came_before_the_wait_is_checked_when_it_is_taken(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep("1h")
        try:
            await ctx.wait_for_event("paid", schema=Payment)
        except InvalidInput as error:
            return str(error.errors[0]["loc"])
        return "paid"

    run = runs.start(w)
    run.send_event("paid", {"amount": "much"})
    runs.advance("1h")

    assert run.refresh().result() == "['amount']"


# ---- between runs --------------------------------------------------------------------


def test_a_run_sends_an_event_to_another_once(runs, waiting):
    @workflow(name="sender")
    async def sender(ctx: Context, target: str) -> dict[str, object]:
        sent = await ctx.send_event(target, "go", {"from": "a run"})
        await ctx.sleep("1h")
        return sent

    run = runs.start(sender, str(waiting.id))
    runs.advance("1h")

    assert waiting.refresh().result() == {"from": "a run"}
    assert len(waiting.events) == 1
    assert run.refresh().result()["delivered"] is True


def test_a_run_that_sends_in_vain_is_told_so(runs):
    @workflow(name="sender")
    async def sender(ctx: Context) -> dict[str, object]:
        return await ctx.send_event(UUID(int=1), "go", None)

    sent = runs.start(sender).result()

    assert (sent["delivered"], bool(sent["reason"])) == (False, True)


@pytest.mark.parametrize("target", ["nobody", None, 5])
def test_a_run_sends_to_runs_and_to_nothing_else(runs, target):
    @workflow(name="sender")
    async def sender(ctx: Context) -> None:
        try:
            await ctx.send_event(target, "go", None)
        except StepFailed:
            return

    run = runs.start(sender)

    assert run.status == "failed"
    assert "run" in run.error["message"]
