"""Empty the database after a test that commits: what rows there are, and nothing else.

Django's own way truncates each table and makes every content type and permission again,
which took most of the time of a short test.
"""

from __future__ import annotations

from django.db import connection, transaction

# What migrations and Django make once for all tests.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# What migrations make, and tests add to and change: it becomes again what it was.
RESTORED = ("auth_group", "auth_group_permissions")
# PostgreSQL refuses to delete from this one. To truncate is dear, so only where there is a row.
APPEND_ONLY = "dashboard_operatoraction"
TRUNCATE = f"""
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM {APPEND_ONLY}) THEN TRUNCATE {APPEND_ONLY}; END IF;
END $$"""

_restoring: list[str] = []


def remember() -> None:
    """The rows of the tables that are restored are now as they shall be after each test."""
    _restoring.clear()
    with connection.cursor() as cursor:
        for table in RESTORED:
            cursor.execute(f"SELECT * FROM {table}")
            columns = ", ".join(column[0] for column in cursor.description)
            rows = ", ".join(str(row) for row in cursor.fetchall())
            _restoring.append(f"DELETE FROM {table} WHERE ({columns}) NOT IN (VALUES {rows})")
            _restoring.append(
                f"INSERT INTO {table} ({columns}) VALUES {rows} ON CONFLICT DO NOTHING"
            )


def empty() -> None:
    """Delete every row that a test may have left. One round trip on PostgreSQL."""
    kept = {*KEPT, *RESTORED}
    tables = [name for name in connection.introspection.table_names() if name not in kept]
    statements = [f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables]
    statements += _restoring
    with transaction.atomic(), connection.cursor() as cursor:
        # References are checked when it commits, so the order does not matter.
        if connection.vendor == "postgresql":
            statements.remove(f'DELETE FROM "{APPEND_ONLY}"')
            cursor.execute(";".join([TRUNCATE, *statements]))
            return
        for statement in statements:
            cursor.execute(statement)
