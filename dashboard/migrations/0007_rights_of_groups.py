"""The default groups get the rights that are new: they are made before these exist."""

from __future__ import annotations

from importlib import import_module

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GRANTED = {"Operator": ["bulk_operate"], "Admin": ["bulk_operate", "share_view"]}

_groups = import_module("dashboard.migrations.0002_default_groups")


def grant(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add them to the groups of these names that there are."""
    alias = schema_editor.connection.alias
    _groups._create_permissions(apps, alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=GRANTED):
        group.permissions.add(
            *permissions.filter(
                content_type__app_label="dashboard", codename__in=GRANTED[group.name]
            )
        )


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0006_views_and_bulk"), ("auth", "0001_initial")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
