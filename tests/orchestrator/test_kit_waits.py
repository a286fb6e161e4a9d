"""Waits of other apps, answered in a test as their users answer them."""

from __future__ import annotations

import pytest

from orchestrator import Context, waits, workflow


class Board:
    """An app that keeps nothing but what was asked."""

    def __init__(self) -> None:
        self.open: list[str] = []

    def shown(self, run_id: object) -> list[str]:
        return self.open

    def answer(self, run_id: object, key: str, *, colour: str) -> None:
        if colour == "grey":
            raise ValueError("grey is no colour")
        assert waits.answer(run_id, key, {"colour": colour})


@pytest.fixture
def painting():
    board = Board()
    opened = lambda opening: board.open.append(opening.key)  # noqa: E731 - a hook in one line
    waits.register(waits.WaitKind("card", opened, lambda closing: None, board))
    waits.register(waits.WaitKind("poll", lambda opening: None, lambda closing: None))

    @workflow(name="painting")
    async def painting(ctx: Context) -> object:
        first = await ctx.wait("wall", kind="card")
        second = await ctx.wait("wall", kind="card")
        await ctx.wait_for_event("dry")
        await ctx.wait("crowd", kind="poll")
        return [first, second]

    return painting


def test_a_wait_is_answered_by_its_own_app(runs, painting):
    run = runs.start(painting)
    assert runs.tasks(run) == ["wall"]
    runs.complete(run, "wall", colour="red")
    runs.complete(run, "wall#2", colour="blue")

    assert runs.journal(run)[:2] == [("card", "wall", "completed"), ("card", "wall#2", "completed")]


def test_a_wrong_answer_meets_the_apps_own_error(runs, painting):
    run = runs.start(painting)

    with pytest.raises(ValueError, match="grey is no colour"):
        runs.complete(run, "wall", colour="grey")
    runs.complete(run, "wall", colour="red")


def test_a_wait_that_there_is_not_is_told_with_those_that_there_are(runs, painting):
    run = runs.start(painting)

    with pytest.raises(
        LookupError, match=r"does not wait for 'roof'\. It waits for: card 'wall'\."
    ):
        runs.complete(run, "roof", colour="red")


def test_what_people_do_not_answer_says_what_does(runs, painting):
    run = runs.start(painting)
    runs.complete(run, "wall", colour="red")
    runs.complete(run, "wall", colour="red")
    with pytest.raises(LookupError, match=r"'dry' is an event: runs.send_event\(run, 'dry', …\)"):
        runs.complete(run, "dry")
    runs.send_event(run, "dry")

    assert runs.tasks(run) == []
    with pytest.raises(LookupError, match=r"orchestrator.waits.answer"):
        runs.complete(run, "crowd")


def test_a_run_that_has_ended_waits_for_nothing(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        return None

    with pytest.raises(LookupError, match="waits for nothing; it is completed"):
        runs.complete(runs.start(w), "kyc")
