"""What SQLite asks of a store, which PostgreSQL does not."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from django.db import connection

from orchestrator import Context, start_many, workflow
from orchestrator.core.definition import registry
from orchestrator.engine import worker
from orchestrator.store import portable_claims, portable_steps, steps, ticks
from tests.orchestrator.remote.functions import effect

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def write_elsewhere() -> None:
    """Commit something on a connection of its own."""
    other = sqlite3.connect(connection.settings_dict["NAME"])
    with other:
        other.execute("UPDATE orchestrator_run SET rev = rev + 1")
    other.close()


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_worker_that_takes_some_of_many_is_not_locked_out_by_another(monkeypatch, limit):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    start_many(w, [None] * 3)
    take = portable_claims._take

    def after_another(*args, **guard):
        write_elsewhere()
        return take(*args, **guard)

    monkeypatch.setattr(portable_claims, "_take", after_another)

    known = [(one.name, one.version) for one in registry]
    lease = timedelta(seconds=10)
    claims = ticks.claim(limit=limit, lease=lease, worker="w", known=known, step=lease)

    assert len(claims) == min(limit, 3)


def test_a_worker_that_takes_some_of_many_steps_is_not_locked_out(monkeypatch):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("far", effect, remote=True)

    start_many(w, [None] * 3)
    worker.drain(inline=True)
    take = portable_steps._take

    def after_another(*args):
        write_elsewhere()
        return take(*args)

    monkeypatch.setattr(portable_steps, "_take", after_another)

    known = [(one.name, one.version) for one in registry]
    tasks = steps.claim(limit=2, lease=timedelta(seconds=10), worker="w", queues=None, known=known)

    assert len(tasks) == 2
