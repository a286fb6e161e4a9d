"""Events to no run in particular: to all that wait, now or soon."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from orchestrator import Context, InvalidInput, send_event, workflow
from orchestrator.models import Broadcast
from orchestrator.store import broadcasts, ticks


class Payment(BaseModel):
    amount: int


@pytest.fixture
def payer():
    @workflow(name="payer")
    async def payer(ctx: Context, order: str | None = None) -> object:
        return await ctx.wait_for_event("paid", key=order, timeout="30d", default="nothing")

    return payer


def test_an_event_goes_to_every_run_that_waits_for_it(runs, payer):
    first, second, other = (
        runs.start(payer, "o-1"),
        runs.start(payer, "o-1"),
        runs.start(payer, "o-2"),
    )

    delivery = send_event("paid", {"n": 1}, key="o-1")

    assert delivery.delivered
    assert set(delivery.run_ids) == {first.id, second.id}
    assert [run.refresh().status for run in (first, second, other)] == [
        "completed",
        "completed",
        "waiting",
    ]


def test_a_run_that_begins_to_wait_soon_gets_it_too(runs, payer):
    delivery = send_event("paid", "early", key="o-1")
    run = runs.start(payer, "o-1")
    runs.drain()

    assert (delivery.delivered, "it is kept until" in delivery.reason) == (False, True)
    assert run.refresh().result() == "early"


def test_one_that_begins_to_wait_too_late_does_not(runs, payer):
    send_event("paid", "early", key="o-1")
    runs.advance("2h")
    run = runs.start(payer, "o-1")
    runs.drain()

    assert run.refresh().status == "waiting"
    assert broadcasts.prune() == 1


def test_a_run_consumes_an_event_once_and_several_in_their_order(runs):
    @workflow(name="twice")
    async def twice(ctx: Context) -> list[object]:
        return [await ctx.wait_for_event("n", timeout="1h", default=None) for _ in range(3)]

    send_event("n", 1)
    send_event("n", 2)
    run = runs.start(twice)
    runs.drain()
    runs.advance("1h")

    assert run.refresh().result() == [1, 2, None]


def test_an_event_with_a_known_id_is_not_sent_again(runs, payer):
    send_event("paid", 1, event_id="e-1")
    again = send_event("paid", 2, event_id="e-1")

    assert again.reason.startswith("duplicate")
    assert Broadcast.objects.count() == 1


def test_what_a_dead_worker_did_not_deliver_is_delivered_by_the_sweep(runs, payer, monkeypatch):
    send_event("paid", "kept", key="o-1")
    monkeypatch.setattr(ticks, "collect", lambda run_id, names: False)
    run = runs.start(payer, "o-1")
    assert run.status == "waiting"

    ticks.reconcile(is_start=False)
    runs.drain()

    assert run.refresh().result() == "kept"


def test_the_sender_is_told_when_a_payload_does_not_fit_the_wait(runs):
    @workflow(name="strict")
    async def strict(ctx: Context) -> int:
        payment = await ctx.wait_for_event("paid", schema=Payment)
        return payment.amount

    run = runs.start(strict)

    with pytest.raises(InvalidInput, match="event 'paid': amount"):
        run.send_event("paid", {"amount": "much"})
    assert run.events == []
    runs.send_event(run, "paid", {"amount": 3})
    assert run.result() == 3


def test_an_event_that_came_before_the_wait_is_checked_by_the_receiver(runs):
    @workflow(name="strict")
    async def strict(ctx: Context) -> str:
        await ctx.sleep("1h")
        try:
            await ctx.wait_for_event("paid", schema=Payment)
        except InvalidInput:
            return "refused"
        return "taken"

    run = runs.start(strict)
    run.send_event("paid", {"amount": "much"})
    runs.advance("1h")

    assert run.refresh().result() == "refused"
