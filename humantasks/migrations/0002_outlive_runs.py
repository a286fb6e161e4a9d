"""A task and its audit stay when retention removes the run that asked."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery


def name_workflows(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    run = apps.get_model("orchestrator", "Run")
    task = apps.get_model("humantasks", "HumanTask")
    workflow = run.objects.filter(id=OuterRef("run_id")).values("workflow")
    task.objects.update(workflow=Subquery(workflow))


class Migration(migrations.Migration):
    dependencies = [
        ("humantasks", "0001_initial"),
        ("orchestrator", "0006_retention"),
    ]

    operations = [
        migrations.AlterField(
            model_name="humantask",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="human_tasks",
                to="orchestrator.run",
            ),
        ),
        migrations.AddField(
            model_name="humantask",
            name="workflow",
            field=models.CharField(default="", max_length=200),
            preserve_default=False,
        ),
        migrations.RunPython(name_workflows, migrations.RunPython.noop),
    ]
