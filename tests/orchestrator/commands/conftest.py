"""What the tests of commands share: a shell, and runs to look at."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import ManagementUtility

from orchestrator import Context, Retry, workflow


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Manage = Callable[..., Done]


@pytest.fixture
def manage(transactional_db, capsys, monkeypatch) -> Manage:
    """Type a command: `manage("runs", "list", "--json")`."""

    def manage(*words: object, stdin: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            ManagementUtility(["manage.py", *map(str, words)]).execute()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return manage


@pytest.fixture
def parcel(effect):
    """Packs, waits for an event, ships."""

    @workflow(name="parcel")
    async def parcel(ctx: Context, number: int = 1) -> object:
        await ctx.step("pack", effect, number, retry=Retry(max_attempts=1))
        await ctx.wait_for_event("sent", "by air")
        return await ctx.step("ship", effect, number)

    return parcel


@pytest.fixture
def waiting(runs, parcel):
    return runs.start(parcel, 7, initiator="ada", attributes={"country": "DE"}, tags={"a": "b"})


@pytest.fixture
def failed(runs, parcel):
    runs.fail(step="pack", error=ConnectionError("the tape is out\nof stock"))
    return runs.start(parcel, 8)
