"""A workflow that does all that a journal can hold. Its recorded histories must stay replayable.

Never changed: a new thing that a journal can hold is a new workflow, with a new history.
"""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from orchestrator import (
    Context,
    EventTimeout,
    NonRetryable,
    Retry,
    RunFailed,
    StepFailed,
    StepTimeout,
    state,
    state_machine,
    transition,
    workflow,
)

TWICE = Retry(max_attempts=2, initial_delay="1s", jitter=False)


class Parcel(BaseModel):
    number: int
    price: Decimal = Decimal("9.90")
    on: date = date(2026, 1, 5)


def value_of(parcel: Parcel) -> Decimal:
    return parcel.price * parcel.number


def put_back(value: Decimal) -> str:
    return f"put {value} back"


def refuse() -> None:
    raise NonRetryable("refused")


def stumble() -> None:
    raise ConnectionError("it is dark")


async def look_up(number: int) -> dict[str, object]:
    return {"number": number, "tags": {"a", "b"}, "pair": (number, None)}


@workflow(name="golden-child")
async def child(ctx: Context, parcel: Parcel) -> Decimal:
    if parcel.number < 0:
        raise ValueError("negative")
    return await ctx.step("value", value_of, parcel)


@workflow(name="golden-everything")
async def everything(ctx: Context, parcel: Parcel) -> list[object]:
    """Steps of every sort, waits of every sort, branches, and what went wrong in each."""
    ctx.logger.info("begins", at=ctx.now(), id=ctx.uuid4(), number=ctx.random.random())
    ctx.set_attributes(number=parcel.number)
    found: list[object] = [await ctx.step("value", value_of, parcel, compensate=put_back)]
    found += await asyncio.gather(*(ctx.step("look-up", look_up, n) for n in range(3)))
    for name in ("flaky", "slow", "refused"):
        try:
            found.append(await ctx.step(name, refuse, retry=TWICE, timeout="5s"))
        except StepTimeout as error:
            found.append(f"slow after {error.attempts}")
        except StepFailed as error:
            found.append(error.message)
    found.append(await waits(ctx))
    found.append(await ctx.start_child(child, parcel))
    try:
        await ctx.start_child(child, Parcel(number=-1), name="bad-child")
    except RunFailed as error:
        found.append(type(error).__name__)
    handle = await ctx.start_child(child, parcel, name="left-alone", wait=False)
    await ctx.send_event(handle, "hello", {"from": ctx.run_id})
    if ctx.patched("one-more"):
        found.append(await ctx.step("more", value_of, parcel, at_most_once=True))
    await ctx.compensate()
    ctx.set_progress(1.0, "done")
    return [str(one) for one in found]


async def waits(ctx: Context) -> list[object]:
    """Timers and events that come, come first, or do not come."""
    found: list[object] = []
    timer = asyncio.create_task(ctx.sleep("1h", name="an-hour"))
    event = asyncio.create_task(ctx.wait_for_event("early", "k"))
    done, _ = await asyncio.wait({timer, event}, return_when=asyncio.FIRST_COMPLETED)
    found.append(event in done)
    timer.cancel()
    try:
        async with asyncio.timeout(60):
            await ctx.wait_for_event("never")
    except TimeoutError:
        found.append("timeout")
    try:
        await ctx.wait_for_event("never", timeout="1m")
    except EventTimeout:
        found.append("event timeout")
    found.append(await ctx.wait_for_event("never", timeout="1m", default=None))
    await asyncio.sleep(30)
    async with asyncio.TaskGroup() as group:
        for name in ("left", "right"):
            group.create_task(ctx.wait_for_event(name))
    return found


@workflow(name="golden-again", retry=Retry(max_attempts=2, initial_delay="1s"), timeout="1d")
async def again(ctx: Context) -> int:
    """Tried again as a whole: from its failed step, with the results of the others."""
    await ctx.step("first", value_of, Parcel(number=ctx.attempt))
    await ctx.step("second", stumble, retry=Retry(max_attempts=1))
    return ctx.attempt


class Door(BaseModel):
    openings: int = 0


def count(door: Door) -> None:
    door.openings += 1


machine = state_machine(
    name="golden-machine",
    initial="shut",
    context=Door,
    states={
        "shut": state(on={"OPEN": transition("open", action=count), "LOCK": "locked"}),
        "open": state(on={"SHUT": "shut"}, after={"10m": transition("shut")}),
        "locked": state(type="final", output=lambda door: door.openings),
    },
)
