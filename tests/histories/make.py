"""`python -m tests.histories.make`: records the histories that are missing in this folder.

One that is there is never written again: that old ones still replay is what they are for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.test.utils import get_runner, override_settings

FOLDER = Path(__file__).parent

GOOD = {"risk": "low", "sanctions_checked": True, "note": "known for years"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["DATABASE_URL"] = "sqlite://:memory:"
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - after the set-up, like the rest

    runner = get_runner(settings)(verbosity=0)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    with override_settings(EXAMPLES_LATENCY=0):
        for name, make in scenarios().items():
            write(name, make)
    runner.teardown_databases(databases)
    runner.teardown_test_environment()


def write(name: str, make: Callable[[Any], Any]) -> None:
    from orchestrator import histories, models  # noqa: PLC0415
    from orchestrator.testing import Runs  # noqa: PLC0415

    path = FOLDER / f"{name}.json"
    if path.exists():
        return
    call_command("flush", interactive=False, verbosity=0)
    with Runs() as runs:
        run = make(runs)
        history = histories.export(models.Run.objects.get(id=run.id))
    text = json.dumps(without_tracebacks(history), indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n")
    print(f"{path.name}: {run.refresh().status}")


def without_tracebacks(value: Any) -> Any:
    """They name folders of the machine on which this was recorded, and no replay needs them."""
    if isinstance(value, list):
        return [without_tracebacks(one) for one in value]
    if isinstance(value, dict):
        return {
            name: "" if name == "traceback" else without_tracebacks(one)
            for name, one in value.items()
        }
    return value


def scenarios() -> dict[str, Callable[[Any], Any]]:
    """What to record, by the name of its file."""
    return {**orders(), **onboarding(), **subscriptions(), **golden()}


def orders() -> dict[str, Callable[[Any], Any]]:
    from examples.orders.workflows import Item, Order, process_order  # noqa: PLC0415

    def order(number: str, *, in_stock: bool = True) -> Order:
        lamp = Item(name="lamp", price="25.50", in_stock=in_stock)
        return Order(order_id=number, address="1 High Street", items=[lamp])

    def retried(runs: Any) -> Any:
        runs.fail(step="charge", times=2, error=ConnectionError("502 Bad Gateway"))
        run = runs.start(process_order, order("O-2"))
        runs.advance("1m")
        return run

    return {
        "order-completed": lambda runs: runs.start(process_order, order("O-1")),
        "order-retried": retried,
        "order-refunded": lambda runs: runs.start(process_order, order("O-3", in_stock=False)),
    }


def onboarding() -> dict[str, Callable[[Any], Any]]:
    from examples.onboarding import workflows  # noqa: PLC0415

    def begin(runs: Any, name: str) -> Any:
        customer = workflows.Customer(name=name, email=f"{name}@example.org", company="Engines")
        return runs.start(workflows.onboard_customer, customer)

    def approved(runs: Any) -> Any:
        return runs.complete(begin(runs, "ada"), "kyc-verification", outcome="approve", data=GOOD)

    def rejected(runs: Any) -> Any:
        run = begin(runs, "bob")
        return runs.complete(run, "kyc-verification", outcome="reject", comment="forged")

    def expired(runs: Any) -> Any:
        run = begin(runs, "cleo")
        runs.advance("15d")
        return run

    def cancelled(runs: Any) -> Any:
        run = begin(runs, "dora")
        run.cancel("a mistake")
        runs.drain()
        return run

    def enriched(runs: Any) -> Any:
        customer = workflows.Customer(name="Eve", email="eve@example.org")
        return runs.start(workflows.enrich_customer, customer)

    return {
        "onboarding-approved": approved,
        "onboarding-rejected": rejected,
        "onboarding-expired": expired,
        "onboarding-cancelled": cancelled,
        "onboarding-waiting": lambda runs: begin(runs, "finn"),
        "enrichment-completed": enriched,
    }


def subscriptions() -> dict[str, Callable[[Any], Any]]:
    from examples.onboarding.workflows import Subscription, subscription_lifecycle  # noqa: PLC0415

    def begin(runs: Any, number: str) -> Any:
        wanted = Subscription(number=number, email="ada@example.org")
        return runs.start(subscription_lifecycle, wanted)

    def remind(runs: Any, number: str) -> Any:
        run = begin(runs, number)
        runs.advance("30d")
        return run

    def renewed(runs: Any) -> Any:
        run = remind(runs, "S-1")
        runs.send_event(run, "subscription.renewed", {"months": 12})
        return run

    def lapsed(runs: Any) -> Any:
        run = remind(runs, "S-2")
        runs.advance("8d")
        return run

    return {
        "subscription-renewed": renewed,
        "subscription-lapsed": lapsed,
        "subscription-waiting": lambda runs: remind(runs, "S-3"),
        "subscription-sleeping": lambda runs: begin(runs, "S-4"),
    }


def golden() -> dict[str, Callable[[Any], Any]]:
    from orchestrator import get_run  # noqa: PLC0415
    from tests.histories.workflows import Door, Parcel, again, everything, machine  # noqa: PLC0415

    def whole(runs: Any, *, until_the_end: bool = True) -> Any:
        runs.fail(step="flaky", error=ConnectionError("gone"))
        runs.time_out(step="slow", times=2)
        run = runs.start(everything, Parcel(number=3), initiator="ada", tags={"colour": "red"})
        runs.advance("10s")
        runs.send_event(run, "early", "first", key="k")
        runs.advance("5m")
        if until_the_end:
            runs.send_event(run, "right", 2)
            runs.send_event(run, "left", 1)
        return run

    def twice(runs: Any) -> Any:
        run = runs.start(again)
        runs.advance("10s")
        return run

    def door(runs: Any, *events: str) -> Any:
        started = machine.start(Door())
        for event in ("OPEN", "KNOCK", "SHUT", "OPEN"):
            started.send(event)
        runs.advance("10m")
        for event in events:
            started.send(event)
        return get_run(started.id)

    return {
        "machine-waiting": lambda runs: door(runs, "OPEN"),
        "machine-completed": lambda runs: door(runs, "LOCK"),
        "everything-completed": whole,
        "everything-waiting": lambda runs: whole(runs, until_the_end=False),
        "again-failed": twice,
    }


if __name__ == "__main__":
    main()
