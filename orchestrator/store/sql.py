"""Running a statement of our own on PostgreSQL."""

from __future__ import annotations

from typing import Any

from orchestrator import clock
from orchestrator.database import engine_connection
from orchestrator.models import FINAL

_FINAL = ", ".join(f"'{status}'" for status in FINAL)


def rows(statement: str, params: dict[str, Any], **parts: str) -> list[tuple[Any, ...]]:
    """What the statement returns. `{now}`, `{final}` and each `{part}` are filled in first."""
    connection = engine_connection()
    for name, part in parts.items():
        statement = statement.replace(f"{{{name}}}", part)
    statement = statement.replace("{now}", clock.sql(connection)).replace("{final}", _FINAL)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
