"""Empty the database after a test that commits: what rows there are, and nothing else.

Django's own way truncates each table and makes every content type and permission again,
which took most of the time of a short test.
"""

from __future__ import annotations

from django.db import connection, transaction

# What migrations and Django make once for all tests.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# PostgreSQL refuses to delete from this one. To truncate is dear, so only where there is a row.
APPEND_ONLY = "dashboard_operatoraction"
TRUNCATE = f"""
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM {APPEND_ONLY}) THEN TRUNCATE {APPEND_ONLY}; END IF;
END $$"""


def empty() -> None:
    """Delete every row that a test may have left. One round trip on PostgreSQL."""
    tables = [name for name in connection.introspection.table_names() if name not in KEPT]
    statements = [f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        # References are checked when it commits, so the order does not matter.
        if connection.vendor == "postgresql":
            statements.remove(f'DELETE FROM "{APPEND_ONLY}"')
            cursor.execute(";".join([TRUNCATE, *statements]))
            return
        for statement in statements:
            cursor.execute(statement)
