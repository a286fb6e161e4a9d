"""Filling a database with runs that look like those of three months, to try pages and queries on.

They are for looking at: they have workflows that no code has, and nothing makes them due, so
no worker takes them up. Ids grow with the times of the runs, as those of real ones do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from uuid import UUID

from django.db import connections, transaction

from orchestrator import clock
from orchestrator.core.ids import uuid7_at
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.models import Entry, Run, RunAttribute, RunTag, attribute_text, tag_texts
from orchestrator.seeding import samples
from orchestrator.store import copying

# How far back they go, and how many are written at a time.
SPAN = timedelta(days=90)
CHUNK = 20_000

_KEPT = (Run, RunAttribute, RunTag, Entry)


def is_empty() -> bool:
    """Whether there is no run yet."""
    return not Run.objects.exists()


def fill(count: int, *, seed: int = 1) -> Iterator[int]:
    """Write `count` runs, and what belongs to them; yields how many there are so far.

    A chunk is a transaction. The same `seed` makes the same runs, but for their ids and times.
    """
    random, end = Random(seed), clock.now()
    for first in range(0, count, CHUNK):
        numbers = range(first, min(first + CHUNK, count))
        made = [
            samples.sample(random, number, end - SPAN * (1 - (number + 1) / count), end)
            for number in numbers
        ]
        with transaction.atomic(using=ALIAS):
            _write_chunk(made)
        yield numbers.stop


def settle() -> None:
    """Let the database look at what it has: its plans depend on that."""
    connection = connections[ALIAS]
    verb = "ANALYZE"
    if is_postgresql() and not connection.in_atomic_block:
        verb = "VACUUM (ANALYZE)"
    with connection.cursor() as cursor:
        for model in _KEPT:
            cursor.execute(f"{verb} {model._meta.db_table}")


def _write_chunk(made: Sequence[samples.Sample]) -> None:
    ids = [_id(one) for one in made]
    pairs = list(zip(ids, made, strict=True))
    copying.write(Run, ({"id": run_id, **one.run} for run_id, one in pairs))
    copying.write(
        RunAttribute,
        (
            {"run_id": run_id, "key": key, "value": attribute_text(value)}
            for run_id, one in pairs
            for key, value in one.run["attributes"].items()
        ),
    )
    copying.write(
        RunTag,
        (
            {"run_id": run_id, "key": key, "value": value}
            for run_id, one in pairs
            for key, value in tag_texts(one.run["tags"])
        ),
    )
    copying.write(
        Entry, ({"run_id": run_id, **step} for run_id, one in pairs for step in one.steps)
    )


def _id(one: samples.Sample) -> UUID:
    """An id as it would have been made at that time."""
    return uuid7_at(int(one.run["created_at"].timestamp() * 1000))
