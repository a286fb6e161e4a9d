"""Starting a run: with whom it commits, what it refuses, and what a key means."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from orchestrator import (
    Context,
    IdempotencyConflict,
    InvalidInput,
    UnknownWorkflow,
    hints,
    workflow,
)
from orchestrator.client import start as start_by_name
from orchestrator.models import Run as Row

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Order:
    order_id: str
    total: Decimal


@pytest.fixture
def w():
    @workflow(name="w", idempotency_key="order-{order_id}")
    async def w(ctx: Context, order: Order) -> str:
        return order.order_id

    return w


@pytest.fixture
def echo():
    @workflow(name="echo")
    async def echo(ctx: Context, value: dict) -> dict:
        return value

    return echo


def test_a_start_in_a_transaction_that_rolls_back_did_not_happen(echo):
    with transaction.atomic():
        echo.start({"a": 1})
        transaction.set_rollback(True)

    assert not Row.objects.exists()


def test_invalid_input_is_refused_with_the_path_and_nothing_is_stored(w):
    with pytest.raises(InvalidInput) as caught:
        w.start({"order_id": "o-1", "total": "much"})

    assert caught.value.errors[0]["loc"] == ["total"]
    assert not Row.objects.exists()


def test_the_input_has_its_type_in_the_body(runs, w):
    assert runs.start(w, Order("o-1", Decimal("9.90"))).input == Order("o-1", Decimal("9.90"))


def test_the_template_makes_the_key(w):
    run = w.start(Order("o-1", Decimal(1)))

    assert run.idempotency_key == "order-o-1"
    assert w.start(Order("o-1", Decimal(1))) == run


def test_the_same_key_returns_the_first_run(echo):
    first = echo.start({"a": 1, "b": 2}, idempotency_key="k")

    assert echo.start({"b": 2, "a": 1}, idempotency_key="k") == first
    assert Row.objects.count() == 1


# DBOS, OpenWorkflow and Absurd return the old run in silence.
def test_the_same_key_with_another_input_is_a_conflict_that_names_the_run(echo):
    first = echo.start({"a": 1}, idempotency_key="k")

    with pytest.raises(IdempotencyConflict, match=str(first.id)):
        echo.start({"a": 2}, idempotency_key="k")


def test_the_same_key_belongs_to_one_workflow(echo, w):
    assert echo.start({}, idempotency_key="k") != w.start(
        Order("1", Decimal(1)), idempotency_key="k"
    )


def test_a_known_key_is_found_inside_a_transaction_that_goes_on(echo):
    first = echo.start({}, idempotency_key="k")

    with transaction.atomic():
        assert echo.start({}, idempotency_key="k") == first
        echo.start({"other": 1})

    assert Row.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b"])
def test_a_key_that_cannot_be_stored_is_refused(echo, key):
    with pytest.raises(ValueError, match="a key is a text"):
        echo.start({}, idempotency_key=key)


def test_a_delayed_run_is_scheduled_until_its_time(runs, echo):
    run = runs.start(echo, {}, delay="1h")

    assert run.status == "scheduled"
    runs.advance("59m")
    assert run.refresh().status == "scheduled"
    runs.advance("1m")
    assert run.refresh().status == "completed"


def test_an_event_does_not_start_a_scheduled_run_before_its_time(runs):
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    run = runs.start(waiter, delay="1h")
    runs.send_event(run, "go", 1)

    assert run.refresh().status == "scheduled"
    runs.advance("1h")
    assert run.refresh().result() == 1


def test_an_unknown_workflow_or_version_is_named(echo):
    with pytest.raises(UnknownWorkflow, match="no workflow is called 'nope'"):
        start_by_name("nope")
    with pytest.raises(UnknownWorkflow, match="no version '9'"):
        echo.start({}, version="9")


def test_new_runs_take_the_highest_version_and_old_runs_keep_theirs(runs):
    def register(version: str) -> object:
        @workflow(name="v", version=version)
        async def v(ctx: Context) -> str:
            await ctx.sleep("1h")
            return ctx.version

        return v

    old = runs.start(register("1.9"))
    new = runs.start(register("1.10"))
    runs.advance("1h")

    assert old.refresh().result() == "1.9"
    assert new.refresh().result() == "1.10"


def test_the_initiator_is_kept_by_name(echo):
    User.objects.create_user("dana")

    assert echo.start({}, initiator=User.objects.get()).initiator == "dana"
    assert echo.start({}, initiator="billing").initiator == "billing"


def test_a_broker_that_is_down_does_not_fail_the_start_and_is_left_alone_for_a_while(
    echo, monkeypatch
):
    asked = []

    def publish(run_id, queue, is_for_steps):
        asked.append(run_id)
        raise ConnectionError("no broker")

    postman = hints.Postman(publish)
    monkeypatch.setattr(hints, "_send", postman.send)
    for n in range(3):
        echo.start({"n": n})
        postman.flush(1)

    assert len(asked) == 1
    assert postman.failures == 1
    assert Row.objects.filter(due_at__isnull=False).count() == 3


def test_a_frozen_broker_does_not_hold_up_the_start(echo, monkeypatch):
    thaw = threading.Event()
    postman = hints.Postman(lambda *_: thaw.wait(30))
    monkeypatch.setattr(hints, "_send", postman.send)

    began = time.monotonic()
    for n in range(20):
        echo.start({"n": n})

    # Each of the twenty would wait for a second and more.
    assert time.monotonic() - began < 5
    thaw.set()


def test_a_burst_of_starts_makes_few_messages_and_the_last_one_is_never_lost(echo, monkeypatch):
    sent = []
    slowly = threading.Event()
    postman = hints.Postman(lambda run_id, *_: (sent.append(run_id), slowly.wait(0.01)))
    monkeypatch.setattr(hints, "_send", postman.send)

    last = [echo.start({"n": n}) for n in range(50)][-1]

    assert postman.flush(2)
    assert sent[-1] == last.id
    assert len(sent) < 50


def test_a_plain_function_is_refused_at_import():
    with pytest.raises(TypeError, match="async def body"):

        @workflow(name="w")
        def body(ctx: Context) -> None: ...


def test_two_functions_cannot_have_one_name_and_version(echo):
    with pytest.raises(ValueError, match="registered twice"):

        @workflow(name="echo")
        async def other(ctx: Context) -> None: ...
