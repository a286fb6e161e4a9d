"""Storing many rows at once, as fast as the database takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections
from django.db.models import Field, Model

from orchestrator.database import ALIAS, is_postgresql


def write(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Store rows that name some of the columns; the others have what the model has for them.

    By COPY on PostgreSQL. In the caller's transaction.
    """
    connection = connections[ALIAS]
    fields = [one for one in model._meta.concrete_fields if not one.generated]
    defaults = {one.attname: one.get_default() for one in fields if not one.primary_key}
    columns = ", ".join(connection.ops.quote_name(str(one.column)) for one in fields)
    values = (_values(fields, {**defaults, **row}) for row in rows)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if not is_postgresql():
            marks = ", ".join(["%s"] * len(fields))
            statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            cursor.executemany(statement, list(values))
            return
        with cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for one in values:
                copy.write_row(one)


def _values(fields: Sequence[Field[Any, Any]], row: dict[str, Any]) -> list[Any]:
    connection = connections[ALIAS]
    return [one.get_db_prep_save(row[one.attname], connection) for one in fields]
