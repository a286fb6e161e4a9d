"""What the database keeps of a run so that it can be found among a million."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orchestrator import Context, Retry, client, clock, seeding, workflow
from orchestrator.models import Run, RunTag
from orchestrator.store import pruning, stranded

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_short_id_of_a_run_is_the_end_of_its_id(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = runs.start(w)

    assert Run.objects.get(short_id=run.id.hex[-8:]).id == run.id


def test_a_waiting_run_has_the_kind_of_what_a_person_can_act_on_first(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        waits = [ctx.sleep("1d"), ctx.wait_for_event("paid")]
        await asyncio.wait(
            [asyncio.ensure_future(one) for one in waits], return_when=asyncio.FIRST_COMPLETED
        )

    run = runs.start(w)
    waiting = Run.objects.get(id=run.id).waiting_kind
    runs.send_event(run, "paid", {})

    assert waiting == "event"
    assert Run.objects.get(id=run.id).waiting_kind is None


@pytest.fixture
def order(runs):
    """A run that fails, with the given message."""

    def pay(message):
        raise ValueError(message)

    @workflow(name="order")
    async def order(ctx: Context, message: str) -> None:
        await ctx.step("pay", pay, message, retry=Retry(max_attempts=1))

    return lambda message: runs.start(order, message)


def test_runs_that_failed_of_one_cause_have_one_signature(order):
    one, other, else_ = order("no funds on 12"), order("no funds on 34"), order("bank closed")
    signatures = {
        run.id: run.error_signature for run in Run.objects.filter(error_type="builtins:ValueError")
    }

    assert signatures[one.id] == signatures[other.id] != signatures[else_.id]


def test_a_run_that_was_retried_with_success_has_none_any_more(runs):
    answers = [ValueError("no funds"), None]

    def pay():
        if (answer := answers.pop(0)) is not None:
            raise answer

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("pay", pay, retry=Retry(max_attempts=1))

    run = runs.start(w)
    failed = Run.objects.get(id=run.id).error_signature
    run.retry()
    runs.drain()

    assert failed
    assert Run.objects.get(id=run.id).error_signature is None


def test_a_run_without_its_payloads_is_still_found_by_its_error(order):
    run = order("no funds on 12")
    known = Run.objects.get(id=run.id)

    pruning.purge_runs("order", clock.now() + timedelta(days=1), 10)

    purged = Run.objects.get(id=run.id)
    assert purged.is_purged
    assert (purged.error_type, purged.error_signature) == (
        known.error_type,
        known.error_signature,
    )


def test_runs_without_code_have_a_signature_too(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = w.start(delay="1d")
    Run.objects.filter(id=run.id).update(version="gone", due_at=clock.now())
    stranded.block_unknown([], grace=timedelta(0), lease=timedelta(0), limit=1)

    assert Run.objects.get(id=run.id).error_signature


def test_single_tags_are_searchable_and_others_are_not(runs):
    @workflow(name="w", tags={"team": "red", "on_call": ["ana"]})
    async def w(ctx: Context) -> None: ...

    one = w.start(tags={"urgent": True, "long": "x" * 256})
    [other] = client.start_many("w", [None], tags={"team": "blue"})

    found = RunTag.objects.filter(run_id=one.id).values_list("key", "value")
    assert set(found) == {("team", "red"), ("urgent", "true")}
    assert RunTag.objects.get(run_id=other.id, key="team").value == "blue"


def test_seeded_runs_are_of_all_sorts_and_nobody_takes_them_up(db):
    assert seeding.is_empty()

    assert list(seeding.fill(2_000)) == [2_000]
    seeding.settle()

    statuses = set(Run.objects.values_list("status", flat=True))
    kinds = set(Run.objects.exclude(waiting_kind=None).values_list("waiting_kind", flat=True))
    assert statuses >= {"completed", "failed", "cancelled", "waiting", "running"}
    assert kinds >= {"event", "timer", "human_task"}
    assert Run.objects.filter(status="failed").values("error_signature").distinct().count() > 4
    assert not Run.objects.filter(due_at__lte=clock.now()).exists()
    assert Run.objects.filter(entries__isnull=False, attribute_rows__isnull=False).exists()
    ids = list(Run.objects.order_by("created_at").values_list("id", flat=True))
    assert ids == sorted(ids)
