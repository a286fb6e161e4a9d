"""The demo's process is killed at bad moments. Started again, every run goes on."""

from __future__ import annotations

import random
import re
import sqlite3
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from tests.e2e.product import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def statuses(folder: Path) -> dict[str, str]:
    """The status of each run, by its key: read from the file, as if the process were gone."""
    with sqlite3.connect(folder / "var" / "orchestrator.sqlite3", timeout=20) as database:
        return dict(database.execute("SELECT idempotency_key, status FROM orchestrator_run"))


def rest_of(folder: Path) -> set[str]:
    return set(statuses(folder).values()) - {"completed", "waiting", "failed"}


def test_every_run_goes_on_after_kills_at_random_moments(tmp_path, prepared):
    demo = Demo(tmp_path, prepared=prepared)
    for _ in range(4):
        demo.start()
        Event().wait(random.uniform(0.1, 1.5))
        demo.kill()
    demo.start()

    until = monotonic() + 90
    while rest_of(tmp_path) and monotonic() < until:
        Event().wait(0.3)
    found = statuses(tmp_path)

    assert rest_of(tmp_path) == set(), found
    assert found["order-A-7001"] == "completed"
    # It cannot be shipped: the payment was given back, and the run failed.
    assert found["order-A-7003"] == "failed"
    assert found["customer-ines@hafenrost.example"] == "waiting"
    assert len(found) == 10
    assert demo.stop() == 0


def test_a_port_that_is_taken_is_said_so(demo, tmp_path, prepared):
    port = demo.url.rpartition(":")[2]

    with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}"):
        Demo(tmp_path, prepared=prepared).start(port)


# What a newcomer reads: where it is, who may log in, and that the worker lives.
SAID = r"listening: \S+|login: \S+ \S+ \w+|Press Ctrl\+C .*|\S+ INFO orchestrator: worker \S+ \w+"


def test_a_first_start_says_what_is_needed_and_no_more(tmp_path):
    demo = Demo(tmp_path)
    demo.start()
    until = monotonic() + 30
    while not list((tmp_path / "var" / "mail").glob("*")) and monotonic() < until:
        Event().wait(0.1)

    assert demo.stop() == 0
    assert [line for line in demo.log.splitlines() if not re.fullmatch(SAID, line)] == []
    assert len(re.findall(r"^login: ", demo.log, re.MULTILINE)) == 6
    assert "Welcome" in next((tmp_path / "var" / "mail").iterdir()).read_text()
