"""Races about runs that rest because of their code. Each guard is also taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, clock, workflow
from orchestrator.core.definition import registry
from orchestrator.models import Run as Row
from orchestrator.store import postgresql_claims, stranded, testing, ticks
from tests.orchestrator import racing

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

LEASE = timedelta(seconds=10)


@pytest.fixture
def run():
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    return w.start()


def mend() -> list[object]:
    return ticks.claim_blocked(limit=10, lease=LEASE, worker="test", codes=registry.codes)


def claim() -> list[object]:
    known = [(one.name, one.version) for one in registry]
    return ticks.claim(limit=10, lease=LEASE, worker="test", known=known)


def block() -> int:
    return stranded.block_unknown([], grace=clock.ZERO, lease=LEASE, limit=10)


@pytest.mark.parametrize("guarded", [True, False])
def test_two_workers_with_other_code_do_not_both_take_a_blocked_run(run, monkeypatch, guarded):
    if not guarded:
        racing.without(
            monkeypatch, postgresql_claims, "_BLOCKED", "FOR UPDATE OF run SKIP LOCKED", ""
        )
    block()

    one, other = racing.before_it_commits(mend, mend)

    assert len(one) == 1
    assert (other == []) is guarded


def test_one_blocked_run_is_taken_by_one_of_ten_workers(run):
    block()

    taken = racing.at_once(10, lambda _: mend())

    assert sum(map(len, taken)) == 1


def test_a_run_that_is_being_claimed_is_not_blocked(run):
    claims, blocked = racing.before_it_commits(claim, block)

    assert (len(claims), blocked) == (1, 0)
    assert Row.objects.get().status == "running"


def test_a_run_that_is_being_blocked_is_not_claimed(run):
    blocked, claims = racing.before_it_commits(block, claim)

    assert (blocked, claims) == (1, [])
    assert Row.objects.get().status == "blocked"


def test_a_run_that_was_claimed_since_somebody_looked_is_not_blocked(run, monkeypatch):
    known = stranded._codes_heard_of

    def heard_and_then_claimed(within: timedelta) -> set[tuple[str, str]]:
        found = known(within)
        claim()
        return found

    monkeypatch.setattr(stranded, "_codes_heard_of", heard_and_then_claimed)

    assert block() == 0
    monkeypatch.undo()
    testing.expire_leases()
    assert block() == 1
