"""On PostgreSQL the database itself refuses to change or delete what operators did."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FORBID = """
CREATE FUNCTION dashboard_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the operators'' audit is never changed';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dashboard_operatoraction
    FOR EACH ROW EXECUTE FUNCTION dashboard_append_only();
"""
ALLOW = """
DROP TRIGGER append_only ON dashboard_operatoraction;
DROP FUNCTION dashboard_append_only();
"""


def forbid(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORBID)


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ALLOW)


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0002_default_groups")]

    operations = [migrations.RunPython(forbid, allow)]
