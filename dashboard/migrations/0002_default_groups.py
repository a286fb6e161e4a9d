"""The groups Viewer, Operator and Admin, so that a new installation has roles to hand out.

They are made once. What an administrator changes of them afterwards stays.
"""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

VIEWER = ["orchestrator.view_run"]
OPERATOR = [
    *VIEWER,
    "orchestrator.view_payload",
    "orchestrator.operate_run",
    "orchestrator.start_run",
    "dashboard.view_operatoraction",
]
ADMIN = [
    *OPERATOR,
    *(f"auth.{verb}_{model}" for model in ("user", "group") for verb in ("view", "add", "change")),
]
GROUPS = {"Viewer": VIEWER, "Operator": OPERATOR, "Admin": ADMIN}


def create_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups that are missing, each with its permissions."""
    alias = schema_editor.connection.alias
    _create_permissions(apps, alias)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for name, granted in GROUPS.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            group.permissions.set(_found(permissions, granted))


def _create_permissions(apps: Apps, alias: str) -> None:
    """Django makes permissions when all migrations have run; these are wanted now."""
    for label in ("auth", "orchestrator", "dashboard"):
        app: Any = apps.get_app_config(label)
        # The historical app has no models module, which is taken for an app without models.
        app.models_module = getattr(app, "models_module", None) or True
        create_permissions(app, apps=apps, using=alias, verbosity=0)


def _found(permissions: Any, granted: list[str]) -> list[Any]:
    names = [name.split(".") for name in granted]
    return [
        permissions.get(content_type__app_label=app, codename=codename) for app, codename in names
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0001_initial"),
        ("orchestrator", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    # Going back leaves the groups: people may be in them.
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
