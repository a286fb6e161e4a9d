"""`ctx.step` knows what a function takes and what it returns."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import assert_type

from orchestrator import Context, Retry


@dataclass
class Account:
    id: int

    def rename(self, name: str) -> Account:
        return Account(self.id + len(name))

    async def close(self, reason: str) -> bool:
        return bool(reason)

    @classmethod
    def guest(cls) -> Account:
        return cls(0)

    def __call__(self, amount: float) -> float:
        return amount


def create(number: int, name: str) -> Account:
    return Account(number + len(name))


def notify(number: int, text: str = "", *, urgent: bool = False) -> None: ...


def total(*amounts: float) -> float:
    return sum(amounts)


async def fetch(url: str) -> bytes:
    return url.encode()


async def what_a_step_returns(ctx: Context[int]) -> None:
    assert_type(await ctx.step("sync", create, 1, "x"), Account)
    assert_type(await ctx.step("async", fetch, "https://x"), bytes)
    assert_type(await ctx.step("several", total, 1.0, 2.0, 3.0), float)
    assert_type(await ctx.step("method", Account(1).rename, "x"), Account)
    assert_type(await ctx.step("async-method", Account(1).close, "x"), bool)
    assert_type(await ctx.step("class-method", Account.guest), Account)
    assert_type(await ctx.step("class", Account, 1), Account)
    assert_type(await ctx.step("instance", Account(1), 2.0), float)
    await ctx.step("nothing", notify, 1, "x")
    await ctx.step("default", notify, 1)


async def ways_to_pass_keywords(ctx: Context[int]) -> None:
    assert_type(await ctx.step("lambda", lambda: create(1, name="x")), Account)
    assert_type(await ctx.step("async-lambda", lambda: fetch(url="x")), bytes)
    assert_type(await ctx.step("lambda-argument", lambda n: n + 1, 5), int)
    assert_type(await ctx.step("partial", partial(create, name="x"), 1), Account)
    assert_type(await ctx.step("async-partial", partial(fetch, "x")), bytes)


async def options(ctx: Context[int]) -> None:
    found = await ctx.step(
        "options",
        create,
        1,
        "x",
        retry=Retry(max_attempts=5),
        timeout="30s",
        idempotency_key="c-42",
        atomic=True,
    )
    assert_type(found, Account)
    assert_type(await ctx.step("remote", create, 1, "x", remote=True), Account)
    assert_type(await ctx.step("queue", fetch, "x", queue="gpu"), bytes)


async def side_by_side(ctx: Context[int]) -> None:
    account, page = await asyncio.gather(ctx.step("a", create, 1, "x"), ctx.step("b", fetch, "x"))
    assert_type(account, Account)
    assert_type(page, bytes)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ctx.step("a", create, 1, "x"))
    assert_type(task.result(), Account)


async def mistakes(ctx: Context[int]) -> None:
    await ctx.step("wrong-type", create, "one", "x")  # E: incompatible type "Callable[[int, str]
    await ctx.step("too-few", create, 1)  # E: incompatible type "Callable[[int, str]
    await ctx.step("too-many", create, 1, "x", 3)  # E: Too many arguments
    await ctx.step("wrong-async", fetch, 5)  # E: incompatible type "Callable[[str]
    await ctx.step("called", total(1.0))  # E: No overload variant
    await ctx.step("keyword", create, 1, name="x")  # E: Unexpected keyword argument "name"
    await ctx.step("retry", create, 1, "x", retry=3)  # E: No overload variant
    await ctx.step("queue", create, 1, "x", queue=3)  # E: No overload variant
    await ctx.step(5, create, 1, "x")  # E: No overload variant
    number: int = await ctx.step("result", create, 1, "x")  # E: incompatible type
    print(number)
