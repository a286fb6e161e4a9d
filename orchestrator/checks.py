"""System checks: what would make runs go wrong, or be lost, is said at the start."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router
from django.utils import timezone

from orchestrator import checkup, clock, tasks
from orchestrator.database import ALIAS

# Where the kernel lists what is mounted where.
MOUNTS = Path("/proc/mounts")
REMOTE = ("nfs", "cifs", "smb", "9p", "ceph", "glusterfs", "fuse.sshfs")

# The database's clock decides; a machine's own is shown to people.
MAX_CLOCK_SECONDS = 5


@register
def engine_settings(app_configs: Any, **options: Any) -> Iterator[CheckMessage]:
    """Every ORCHESTRATOR_ setting can be read, and they fit each other."""
    found = checkup.engine_settings()
    if not found.is_good:
        yield Error(found.detail, id="orchestrator.E001")


@register
def database_settings(app_configs: Any, **options: Any) -> Iterator[CheckMessage]:
    """The database keeps what it has acknowledged, and shows it to whoever looks next."""
    configured = connections[ALIAS].settings_dict
    if configured.get("ATOMIC_REQUESTS"):
        yield Warning(
            "ATOMIC_REQUESTS is on: what a request starts or sends begins when the request has "
            "ended, and its locks are held until then.",
            hint="Use transaction.atomic() where you need it.",
            id="orchestrator.W001",
        )
    vendor = connections[ALIAS].vendor
    if vendor == "sqlite":
        yield from _sqlite(configured)
    elif vendor == "postgresql":
        yield from _isolation(configured.get("OPTIONS") or {})
    else:
        yield Error(
            f"The engine runs on PostgreSQL and SQLite, not on {vendor}.", id="orchestrator.E002"
        )


@register
def no_replica(app_configs: Any, **options: Any) -> Iterator[CheckMessage]:
    """Nothing of the engine is read from a copy that is a little behind."""
    for model in apps.get_app_config("orchestrator").get_models():
        used = {router.db_for_read(model), router.db_for_write(model)}
        if used != {ALIAS}:
            yield Error(
                f"DATABASE_ROUTERS sends {model.__name__} to {', '.join(sorted(used))}: the "
                f"engine lives in {ALIAS!r} alone, and a replica would show it the past.",
                id="orchestrator.E003",
            )
            return


@register
def celery_settings(app_configs: Any, **options: Any) -> Iterator[CheckMessage]:
    """Celery carries hints, which are JSON and have no result."""
    found = dict(tasks.troubles())
    if said := found.get("pickle"):
        yield Error(f"Celery: {said}.", hint='accept_content = ["json"]', id="orchestrator.E005")
    if said := found.get("results"):
        yield Warning(f"Celery: {said}.", id="orchestrator.W002")
    if said := found.get("eager"):
        yield Warning(f"Celery: {said}.", id="orchestrator.W003")
    if (said := found.get("processes")) and connections[ALIAS].vendor == "sqlite":
        yield Warning(
            f"Celery: {said}, and SQLite lets one of them write at a time.",
            hint="One process with threads, or PostgreSQL.",
            id="orchestrator.W005",
        )


@register(Tags.database)
def what_the_server_says(
    app_configs: Any, databases: Sequence[str] | None = None, **options: Any
) -> Iterator[CheckMessage]:
    """A commit survives a power cut, and the clocks agree. For `check --database`."""
    if ALIAS not in (databases or ()):
        return
    connection = connections[ALIAS]
    if connection.vendor == "postgresql":
        off = [name for name, value in checkup.durability() if value == "off"]
        kind = Warning if settings.DEBUG else Error
        for name in off:
            yield kind(
                f"{name} is off: a power cut takes back what runs have recorded, and their "
                "effects are repeated.",
                id="orchestrator.W006" if settings.DEBUG else "orchestrator.E006",
            )
    difference = abs((clock.now() - timezone.now()).total_seconds())
    if difference > MAX_CLOCK_SECONDS:
        yield Warning(
            f"This machine's clock and the database's differ by {difference:,.0f} s. The "
            "database's decides; pages show times by both.",
            id="orchestrator.W007",
        )


def _sqlite(configured: dict[str, Any]) -> Iterator[CheckMessage]:
    options = configured.get("OPTIONS") or {}
    if str(options.get("transaction_mode", "")).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Warning(
            "SQLite's transactions do not begin with the write lock: two that write at once fail "
            'with "database is locked".',
            hint='OPTIONS["transaction_mode"] = "IMMEDIATE"',
            id="orchestrator.W004",
        )
    if kind := _remote_file_system(Path(str(configured["NAME"]))):
        yield Error(
            f"The SQLite file is on {kind}, where locks do not hold: runs would be executed twice.",
            hint="A local disk, or PostgreSQL.",
            id="orchestrator.E007",
        )


def _isolation(options: dict[str, Any]) -> Iterator[CheckMessage]:
    level = options.get("isolation_level")
    # READ COMMITTED is PostgreSQL's own; psycopg numbers it 2.
    if level is not None and int(level) != 2:  # noqa: PLR2004
        yield Error(
            "OPTIONS['isolation_level'] is set: the engine decides by statements that see what "
            "others have committed before them, as READ COMMITTED shows it.",
            id="orchestrator.E004",
        )


def _remote_file_system(path: Path) -> str:
    """The kind of the file system, if it is another machine's; "" if not, or if nobody knows."""
    try:
        mounts = [line.split() for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    place = os.path.realpath(path)
    over = [(where, kind) for _, where, kind, *_ in mounts if _is_under(place, where)]
    _, kind = max(over, default=("", ""), key=lambda one: len(one[0]))
    return kind if kind.startswith(REMOTE) else ""


def _is_under(place: str, where: str) -> bool:
    return f"{place}/".startswith(f"{where.rstrip('/')}/")
