"""The tags of the runs that there are already, so that they can be searched for."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from orchestrator.models import tag_texts

BATCH = 1_000


def keep_tags(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    runs = apps.get_model("orchestrator", "Run").objects.using(alias).exclude(tags={})
    tag = apps.get_model("orchestrator", "RunTag")
    found = []
    for run_id, tags in runs.values_list("id", "tags").iterator(chunk_size=BATCH):
        found += [tag(run_id=run_id, key=key, value=value) for key, value in tag_texts(tags)]
    tag.objects.using(alias).bulk_create(found, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("orchestrator", "0011_finding_runs")]

    operations = [migrations.RunPython(keep_tags, migrations.RunPython.noop)]
