"""Made-up runs, with the statuses, waits, errors and attributes that real ones have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from orchestrator.core.journal import COMPLETED, FAILED, STEP
from orchestrator.core.signatures import signed
from orchestrator.models import Status

# Workflows and how many of a hundred runs they have; older versions have the fewer ones.
WORKFLOWS = {
    "order-fulfilment": (30, ("3", "2", "1")),
    "invoice-run": (20, ("2", "1")),
    "kyc-check": (12, ("2.1", "2.0")),
    "newsletter": (12, ("1",)),
    "document-import": (10, ("v2", "v1")),
    "subscription": (10, ("1.4", "1.3", "1.2")),
    "refund": (5, ("1",)),
    "nightly-report": (1, ("1",)),
}
STEPS = ("validate", "reserve", "charge", "notify", "archive")

# Of a thousand runs. What is not named has completed.
OPEN = {
    "event": 9,
    "timer": 6,
    "human_task": 5,
    "retry": 2,
    "child": 1,
    "concurrency": 1,
    "running": 2,
    "paused": 1,
    "blocked": 1,
    "pending": 1,
    "scheduled": 1,
}
FAILS, STOPS = 20, 10

# How runs fail: type, message, the function in which they do.
FAILURES = (
    ("requests.exceptions:HTTPError", "502 Server Error for url /charges/{n}", "charge"),
    ("requests.exceptions:ConnectTimeout", "no answer from 10.0.3.{n} within 5 s", "reserve"),
    ("shop.errors:CardDeclined", "card of customer {n} was declined", "charge"),
    ("shop.errors:OutOfStock", "article '{n}' is out of stock", "reserve"),
    ("builtins:KeyError", "'postal_code'", "validate"),
    ("builtins:ValueError", "amount must be positive, not -{n}", "validate"),
    ("psycopg.errors:DeadlockDetected", "process {n} waits for ShareLock", "archive"),
    ("orchestrator.core.errors:RunTimedOut", "it took longer than 30 d", ""),
)

COUNTRIES = ("DE", "FR", "NL", "AT", "PL", "IT", "ES", "SE")
TEAMS = ("red", "green", "blue")
PEOPLE = ("ana", "bo", "chris", "", "", "")

# One run in so many has its steps too.
DETAILED = 100

# Which status a run has that waits for this; else it is the name itself, or it waits.
_STATUSES = {"retry": Status.AWAITING_RETRY, "concurrency": Status.PENDING}


# What nobody has claimed yet.
_NEW: Mapping[str, Any] = {"started_at": None, "epoch": 0, "seq": 0, "rev": 0, "worker": ""}

# What waits for nothing.
_AT_REST: Mapping[str, Mapping[str, Any]] = {
    "running": {"status": Status.RUNNING, "owned": True},
    "paused": {"status": Status.PAUSED, "pause_requested": True},
    "pending": {"status": Status.PENDING, **_NEW},
    "blocked": {
        "status": Status.BLOCKED,
        "error": signed({"type": "NonDeterminism", "message": "the code asks for another step"}),
    },
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A run by the names of its columns, and its steps."""

    run: dict[str, Any]
    steps: list[dict[str, Any]] = field(default_factory=list)


def sample(random: Random, number: int, created_at: datetime, now: datetime) -> Sample:
    """The run with this number, made at `created_at`."""
    workflow, version = _workflow(random)
    started_at = created_at + timedelta(seconds=random.expovariate(2))
    took = timedelta(seconds=min(random.lognormvariate(2, 2), 10 * 86_400))
    run: dict[str, Any] = {
        "workflow": workflow,
        "version": version,
        "input": f'{{"number": {number}}}',
        "idempotency_key": f"{workflow}-{number:07}" if random.random() < 0.7 else None,  # noqa: PLR2004
        "initiator": random.choice(PEOPLE) or None,
        "attributes": _attributes(random),
        "tags": {"team": random.choice(TEAMS)} if random.random() < 0.1 else {},  # noqa: PLR2004
        "created_at": created_at,
        "started_at": started_at,
        "epoch": 1,
        "seq": len(STEPS),
        "rev": len(STEPS) + 2,
        "worker": f"worker-{number % 4}",
    }
    run |= _outcome(random, run, min(started_at + took, now), now)
    steps = _steps(random, run) if number % DETAILED == 0 and run["started_at"] else []
    return Sample(run, steps)


def _workflow(random: Random) -> tuple[str, str]:
    weights = [weight for weight, _ in WORKFLOWS.values()]
    [name] = random.choices(list(WORKFLOWS), weights)
    versions = WORKFLOWS[name][1]
    return name, versions[min(int(random.expovariate(2)), len(versions) - 1)]


def _attributes(random: Random) -> dict[str, Any]:
    if random.random() < 2 / 3:
        return {}
    country = random.choices(COUNTRIES, range(len(COUNTRIES), 0, -1))[0]
    return {"country": country, "customer": f"c-{random.randrange(50_000)}"}


def _outcome(
    random: Random, run: Mapping[str, Any], ended_at: datetime, now: datetime
) -> dict[str, Any]:
    place = random.randrange(1_000)
    for name, share in OPEN.items():
        if place < share:
            return _open(random, name, run, now)
        place -= share
    if place < FAILS:
        error = _error(random)
        return {"status": Status.FAILED, "finished_at": ended_at, "error": error}
    if place < FAILS + STOPS:
        stopped = {"cancel_requested_at": ended_at, "cancel_reason": "not wanted any more"}
        return {"status": Status.CANCELLED, "finished_at": ended_at, **stopped}
    return {"status": Status.COMPLETED, "finished_at": ended_at, "output": '"done"'}


def _open(random: Random, name: str, run: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    if name in _AT_REST:
        return dict(_AT_REST[name])
    if name == "scheduled":
        due_at = now + timedelta(days=30) * random.random()
        return {"status": Status.SCHEDULED, "due_at": due_at, **_NEW}
    wait = {
        "kind": name,
        "name": _waited_for(random, name, run),
        "key": STEPS[2],
        "since": run["started_at"].isoformat(),
        "until": None,
    }
    if name in ("timer", "retry"):
        wait["until"] = (now + timedelta(days=30) * random.random()).isoformat()
    if name == "retry":
        wait["detail"] = {"attempt": 2, "of": 5, "error": "no answer within 5 s"}
    if name == "concurrency":
        wait["detail"] = {"limit": 10}
    status = _STATUSES.get(name, Status.WAITING)
    return {"status": status, "waiting_on": [wait], "waiting_since": run["started_at"]}


def _waited_for(random: Random, kind: str, run: Mapping[str, Any]) -> str:
    return {
        "event": random.choice(("payment.received", "document.signed", "parcel.delivered")),
        "human_task": random.choice(("review", "approve-refund")),
        "child": "invoice-run",
        "concurrency": str(run["workflow"]),
    }.get(kind, STEPS[2])


def _error(random: Random) -> dict[str, Any]:
    name, message, function = random.choices(FAILURES, range(len(FAILURES), 0, -1))[0]
    frame = f'  File "/srv/shop/workflows.py", line 42, in {function}\n    …\n' if function else ""
    message = message.replace("{n}", str(random.randrange(256)))
    error = {
        "type": name,
        "message": message,
        "traceback": f"Traceback (most recent call last):\n{frame}{name}: {message}",
    }
    return signed(error | ({"key": function} if function else {"timed_out": True}))


def _steps(random: Random, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that the run has done, or failed in."""
    failed = (run.get("error") or {}).get("key")
    at, found = run["started_at"], []
    for place, key in enumerate(STEPS, start=1):
        ended = at + timedelta(milliseconds=random.expovariate(1 / 80))
        is_failed = key == failed
        found.append(
            {
                "key": key,
                "kind": STEP,
                "name": key,
                "position": place,
                "cause": place - 1,
                "seq": place,
                "status": FAILED if is_failed else COMPLETED,
                "attempt": 3 if is_failed else 1,
                "value": None if is_failed else '"ok"',
                "error": run["error"] if is_failed else None,
                "started_at": at,
                "finished_at": ended,
            }
        )
        if is_failed:
            break
        at = ended
    return found
