"""People who decide together: seats, rounds, and what each of them said."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("humantasks", "0008_presence"),
        ("orchestrator", "0010_step_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskSeat",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("round", models.PositiveIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[("checker", "Checker"), ("voter", "Voter")], max_length=16
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("taken", "Taken"),
                            ("done", "Done"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="taskcandidate",
            name="candidate_is_one",
        ),
        migrations.RemoveConstraint(
            model_name="taskdecision",
            name="decision_once",
        ),
        migrations.AddField(
            model_name="humantask",
            name="round",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="taskdecision",
            name="kind",
            field=models.CharField(
                choices=[
                    ("decision", "Decision"),
                    ("proposal", "Proposal"),
                    ("approval", "Approval"),
                    ("return", "Return"),
                    ("vote", "Vote"),
                ],
                default="decision",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="taskdecision",
            name="superseded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="taskcandidate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("candidate", "Candidate"),
                    ("checker", "Checker"),
                    ("excluded", "Excluded"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="taskcandidate",
            name="why",
            field=models.CharField(
                choices=[
                    ("requester", "Requester"),
                    ("decider", "Decider"),
                    ("named", "Named"),
                    ("conflict", "Conflict"),
                    ("rounds", "Rounds"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="humantask",
            index=models.Index(
                condition=models.Q(("status", "in_review")),
                fields=["-priority", "due_at", "id"],
                name="task_in_review",
            ),
        ),
        migrations.AddIndex(
            model_name="taskdecision",
            index=models.Index(
                condition=models.Q(("kind", "decision"), _negated=True),
                fields=["user"],
                name="decision_in_review",
            ),
        ),
        migrations.AddConstraint(
            model_name="taskcandidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["candidate", "checker", "excluded"]),
                    models.Q(("user__isnull", True), ("group__isnull", True), _connector="OR"),
                ),
                name="candidate_is_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="taskdecision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at__isnull", True)),
                fields=("task", "round", "user"),
                name="decision_once",
            ),
        ),
        migrations.AddField(
            model_name="taskseat",
            name="task",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="seats",
                to="humantasks.humantask",
            ),
        ),
        migrations.AddField(
            model_name="taskseat",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="taskseat",
            index=models.Index(
                condition=models.Q(("status", "taken")), fields=["user"], name="seat_taken"
            ),
        ),
        migrations.AddIndex(
            model_name="taskseat",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False), ("status", "taken")),
                fields=["expires_at"],
                name="seat_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="taskseat",
            constraint=models.UniqueConstraint(
                fields=("task", "round", "user"), name="seat_of_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="taskseat",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["taken", "done"]), ("user__isnull", False)),
                    models.Q(("status__in", ["open", "closed"]), ("user__isnull", True)),
                    _connector="OR",
                ),
                name="seat_has_its_person",
            ),
        ),
    ]
