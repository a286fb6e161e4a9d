"""What `manage.py doctor` looks at beside the database: the broker and the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from django.conf import settings

from orchestrator import tasks
from orchestrator.conf import NAMES, conf
from orchestrator.database import engine_connection

PREFIX = "ORCHESTRATOR_"

AT_LEAST_ONE = (
    *("BATCH", "DRIVERS", "STEP_THREADS", "MAX_PAYLOAD", "MAX_ENTRIES", "MAX_JOURNAL"),
    *("MAX_MAILBOX", "TICK_OUTCOMES", "REMOTE_STEPS"),
)

# How alike a name must be to one of ours to be a slip of the pen.
ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `detail` says what was found, or what to do."""

    name: str
    is_good: bool
    detail: str


def broker() -> Finding:
    """Whether hints can be sent. Without them workers still look, a little later."""
    if not conf.HINTS:
        return Finding("broker", True, "not used: ORCHESTRATOR_HINTS is off")
    if tasks.is_broker_in_this_process():
        return Finding("broker", True, "in memory: it reaches the workers of its own process alone")
    if error := tasks.broker_error():
        return Finding("broker", False, f"no hint can be sent, so runs start late: {error}")
    return Finding("broker", True, "answers")


def durability() -> Iterator[tuple[str, str]]:
    """The settings of PostgreSQL that let a commit survive a power cut, and their values."""
    connection = engine_connection()
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            yield name, cursor.fetchone()[0]


def engine_settings() -> Finding:
    """Whether every setting can be read, and they fit each other."""
    wrong = "; ".join(_wrong_settings())
    return Finding("settings", not wrong, wrong or "can be read, and fit each other")


def _wrong_settings() -> Iterator[str]:
    unreadable = list(_unreadable())
    yield from unreadable
    yield from _slips()
    if not settings.USE_TZ:
        yield "USE_TZ must be True: the engine's times carry a zone"
    if unreadable:
        return
    if conf.HEARTBEAT * 2 > conf.LEASE:
        yield f"{PREFIX}HEARTBEAT must be less than half of {PREFIX}LEASE: one that is late is two"
    for name in AT_LEAST_ONE:
        if getattr(conf, name) < 1:
            yield f"{PREFIX}{name} is 1 or more"
    for name in ("LEASE", "HEARTBEAT", "SWEEP_INTERVAL"):
        if not getattr(conf, name):
            yield f"{PREFIX}{name} is more than nothing"


def _unreadable() -> Iterator[str]:
    for name in NAMES:
        try:
            getattr(conf, name)
        except (ValueError, TypeError) as error:
            yield f"{PREFIX}{name}: {error}"


def _slips() -> Iterator[str]:
    """Names that are nearly ours. Other apps may have settings of their own with our prefix."""
    for name in dir(settings):
        rest = name.removeprefix(PREFIX)
        if rest != name and rest not in NAMES:
            for meant in get_close_matches(rest, NAMES, n=1, cutoff=ALIKE):
                yield f"{name} is not known: is {PREFIX}{meant} meant?"
