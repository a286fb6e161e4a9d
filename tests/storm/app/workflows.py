"""A run of ten records: external and transactional effects, a sleep, an event, a group."""

from __future__ import annotations

import asyncio
from threading import Event

from orchestrator import Context, current_step, state, state_machine, workflow
from tests.storm.app import agents, lockers
from tests.storm.app.effects import note
from tests.storm.app.models import Booking

RECORDS = 10
BOOKINGS = 3
EFFECTS = 5


async def note_async(name: str) -> str:
    await asyncio.sleep(0.02)
    return note(name)


def book(key: str) -> int:
    return Booking.objects.create(run_id=current_step().run_id, key=key).pk


@workflow(name="storm")
async def storm(ctx: Context) -> list[str]:
    done = [await ctx.step("first", note, "first")]
    await ctx.step("book-1", book, "book-1", atomic=True)
    await ctx.sleep("100ms")
    done += await asyncio.gather(
        ctx.step("left", note, "left"), ctx.step("right", note_async, "right")
    )
    await ctx.step("book-2", book, "book-2", atomic=True)
    done.append(await ctx.wait_for_event("go"))
    done.append(await ctx.step("second", note_async, "second"))
    await ctx.step("book-3", book, "book-3", atomic=True)
    done.append(await ctx.step("last", note, "last"))
    return done


def part(number: int) -> int:
    note("part")
    Event().wait(0.5)
    return number


@workflow(name="fan")
async def fan(ctx: Context, width: int) -> list[int]:
    """As many steps as it is wide, on whichever workers take them; then as many bookings."""
    parts = await asyncio.gather(
        *(ctx.step("part", part, number, remote=True) for number in range(width))
    )
    await asyncio.gather(
        *(
            ctx.step(f"book {number}", book, f"book-{number}", remote=True, atomic=True)
            for number in range(width)
        )
    )
    return parts


locker = lockers.register()
research = agents.research


def label(ctx: dict[str, int]) -> None:
    note("label")
    ctx["labels"] = ctx.get("labels", 0) + 1


def weigh(ctx: dict[str, int]) -> None:
    note("weigh")
    Event().wait(1)
    ctx["weighed"] = 1


packing = state_machine(
    name="packing",
    initial="open",
    context={},
    states={
        "open": state(on={"PACK": "packed"}),
        "packed": state(on_enter=[label, weigh], on={"UNPACK": "open"}),
    },
)
