"""`DATABASES["default"]` from the environment: PostgreSQL by URL, else SQLite under `var/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url

from config.environment import Environment

# WAL lets pages read while a worker writes. FULL syncs at each commit: the engine calls a
# step done when its record is committed, so a power cut must not take the record back
# (NORMAL would: the file stays sound, but the last commits can be gone). It costs about
# 0.1 ms a commit. Foreign keys are switched on by Django itself.
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"

# Milliseconds. A web request that waits longer has lost its reader already.
WEB_TIMEOUTS = {
    "statement_timeout": 30_000,
    "lock_timeout": 3_000,
    "idle_in_transaction_session_timeout": 60_000,
}


def database(env: Environment) -> dict[str, Any]:
    url = env.database_url.get_secret_value()
    if not url:
        return sqlite(env.var_dir / "orchestrator.sqlite3")
    # The parsed form is a TypedDict without the keys that only some backends know.
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if "sqlite" in config["ENGINE"]:
        return sqlite(Path(config["NAME"]))
    return _postgresql(config, env)


def sqlite(path: Path) -> dict[str, Any]:
    """SQLite for several threads that write.

    IMMEDIATE takes the write lock when a transaction begins. Otherwise two that have read
    both want it, and one fails at once with "database is locked", whatever the timeout.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            # Seconds to wait for the lock (SQLite's busy_timeout).
            "timeout": 20,
            "init_command": SQLITE_PRAGMAS,
        },
    }


def _postgresql(config: dict[str, Any], env: Environment) -> dict[str, Any]:
    options = {"application_name": "orchestrator", **config.get("OPTIONS", {})}
    if env.database_pool:
        options["pool"] = {"min_size": 1, "max_size": env.database_pool}
    if env.database_web_timeouts:
        limits = " ".join(f"-c {name}={value}" for name, value in WEB_TIMEOUTS.items())
        options["options"] = f"{options.get('options', '')} {limits}".strip()
    return {
        **config,
        # A pool keeps the connections; Django refuses to keep them a second time.
        "CONN_MAX_AGE": 0 if options.get("pool") else env.database_conn_max_age,
        # A connection that died with the database is replaced, not handed to a request.
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.pgbouncer,
        "OPTIONS": options,
    }
