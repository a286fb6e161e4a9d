"""Which of Django's databases the engine lives in."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = DEFAULT_DB_ALIAS


def engine_connection() -> BaseDatabaseWrapper:
    """This thread's connection to the engine's database."""
    return connections[ALIAS]


def is_postgresql() -> bool:
    return engine_connection().vendor == "postgresql"
