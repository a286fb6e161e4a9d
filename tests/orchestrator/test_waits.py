"""Waits that another app adds: its side opens and closes in the engine's transactions."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from orchestrator import Context, waits, workflow
from orchestrator.models import Entry


class Board:
    """An app with a row for each open wait."""

    def __init__(self) -> None:
        self.closed: list[tuple[list[str], str]] = []
        self.fails = False

    def opened(self, opening: waits.Opening) -> None:
        Group.objects.create(name=f"{opening.key}:{opening.detail['team']}")
        if self.fails:
            raise RuntimeError("the app is broken")

    def close(self, closing: waits.Closing) -> None:
        self.closed.append((list(closing.keys), closing.reason))
        Group.objects.filter(name__startswith=closing.keys[0]).delete()


@pytest.fixture
def board():
    board = Board()
    waits.register(waits.WaitKind("card", board.opened, board.close))
    return board


@pytest.fixture
def review():
    @workflow(name="review")
    async def review(ctx: Context) -> object:
        return await ctx.wait(
            "kyc", kind="card", detail={"team": "red"}, timeout="7d", default="nobody"
        )

    return review


def names() -> list[str]:
    return list(Group.objects.filter(name__contains=":").values_list("name", flat=True))


def test_the_apps_side_is_opened_with_the_record(runs, board, review):
    run = runs.start(review)

    assert names() == ["kyc:red"]
    assert [(wait.kind, wait.key) for wait in run.waiting_on] == [("card", "kyc")]


def test_an_app_that_cannot_open_its_side_blocks_the_run_and_leaves_nothing(runs, board, review):
    board.fails = True

    run = runs.start(review)

    assert run.status == "blocked"
    assert run.error["message"] == "the app is broken"
    assert names() == []
    assert not Entry.objects.exists()


def test_an_answer_wakes_the_run_and_is_its_result(runs, board, review):
    run = runs.start(review)

    assert waits.answer(run.id, "kyc", {"approved": True})
    assert run.refresh().result() == {"approved": True}
    assert board.closed == []


def test_a_timeout_closes_the_apps_side(runs, board, review):
    run = runs.start(review)
    runs.advance("7d")

    assert run.refresh().result() == "nobody"
    assert board.closed == [(["kyc"], "timeout")]


def test_a_cancel_withdraws_in_its_own_transaction(runs, board, review, monkeypatch):
    run = runs.start(review)
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)

    run.cancel()

    assert board.closed == [(["kyc"], "cancelled")]
    assert names() == []
    with transaction.atomic():
        assert waits.hold(run.id) is False
    monkeypatch.undo()
    runs.drain()
    assert run.refresh().status == "cancelled"


def test_a_branch_that_lost_the_race_is_withdrawn(runs, board):
    @workflow(name="race")
    async def race(ctx: Context) -> object:
        card = asyncio.ensure_future(ctx.wait("kyc", kind="card", detail={"team": "red"}))
        event = asyncio.ensure_future(ctx.wait_for_event("skip"))
        await asyncio.wait([card, event], return_when=asyncio.FIRST_COMPLETED)
        card.cancel()
        await ctx.sleep("1h")
        return "skipped"

    run = runs.start(race)
    runs.send_event(run, "skip")

    assert board.closed == [(["kyc"], "abandoned")]
    assert run.status == "waiting"


def test_what_is_still_open_when_the_run_ends_is_withdrawn(runs, board):
    @workflow(name="leave")
    async def leave(ctx: Context) -> str:
        card = asyncio.ensure_future(ctx.wait("kyc", kind="card", detail={"team": "red"}))
        await ctx.sleep("1h")
        return "answered" if card.done() else "left"

    run = runs.start(leave)
    assert names() == ["kyc:red"]
    runs.advance("1h")

    assert run.refresh().result() == "left"
    assert board.closed == [(["kyc"], "finished")]
