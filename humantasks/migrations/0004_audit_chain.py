"""Chain the entries of the audit; name the reason of those who must not answer."""

import hashlib
import json
from datetime import UTC
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 500

# As humantasks.inbox.audit had it then.
DIGESTED = (
    "seq",
    "actor_id",
    "actor_label",
    "verb",
    "from_status",
    "to_status",
    "code",
    "reason",
    "on_behalf_of",
    "via",
    "changes",
)


def digest(row: Any, before: str) -> str:
    said = {name: getattr(row, name) for name in DIGESTED} | {
        "task": str(row.task_id),
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def chain(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    audit = apps.get_model("humantasks", "TaskAudit")
    task, before, done = None, "", []
    for row in audit.objects.order_by("task_id", "seq").iterator(BATCH):
        before = before if row.task_id == task else ""
        task, row.digest = row.task_id, digest(row, before)
        before = row.digest
        done.append(row)
        if len(done) == BATCH:
            audit.objects.bulk_update(done, ["digest"])
            done = []
    audit.objects.bulk_update(done, ["digest"])


def name_reasons(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    lines = apps.get_model("humantasks", "TaskCandidate").objects
    lines.filter(kind="excluded", why="").update(why="requester")


class Migration(migrations.Migration):
    dependencies = [("humantasks", "0003_life_cycle")]

    operations = [
        migrations.RunPython(name_reasons, migrations.RunPython.noop),
        migrations.RunPython(chain, migrations.RunPython.noop),
    ]
