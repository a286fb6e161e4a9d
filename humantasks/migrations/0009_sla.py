"""By when tasks are begun and done: working calendars, and what happens when they are not."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import humantasks.models.calendars


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("humantasks", "0007_seats"),
        ("orchestrator", "0010_step_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskTimer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("escalate", "Escalate")], max_length=16)),
                ("n", models.PositiveSmallIntegerField()),
                ("after", models.CharField(max_length=50)),
                ("team", models.CharField(max_length=150)),
                ("fires_at", models.DateTimeField(null=True)),
                ("fired_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WorkCalendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=50, unique=True)),
                (
                    "zone",
                    models.CharField(
                        default="UTC", help_text="Such as Europe/Berlin", max_length=64
                    ),
                ),
                (
                    "hours",
                    models.JSONField(
                        default=humantasks.models.calendars.office_hours,
                        help_text='By day: {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], …}',
                    ),
                ),
                (
                    "holidays",
                    models.JSONField(
                        blank=True, default=list, help_text='Days without work: ["2026-05-01", …]'
                    ),
                ),
            ],
            options={
                "verbose_name": "working calendar",
            },
        ),
        migrations.AddField(
            model_name="humantask",
            name="calendar",
            field=models.CharField(default="", max_length=50),
        ),
        migrations.AddField(
            model_name="humantask",
            name="paused_seconds",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="humantask",
            name="start_by",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="humantask",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["due_at", "id"],
                name="task_due",
            ),
        ),
        migrations.AddField(
            model_name="tasktimer",
            name="task",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="timers",
                to="humantasks.humantask",
            ),
        ),
        migrations.AddIndex(
            model_name="tasktimer",
            index=models.Index(
                condition=models.Q(("fired_at__isnull", True), ("fires_at__isnull", False)),
                fields=["fires_at"],
                name="timer_fires",
            ),
        ),
        migrations.AddConstraint(
            model_name="tasktimer",
            constraint=models.UniqueConstraint(fields=("task", "kind", "n"), name="timer_once"),
        ),
    ]
