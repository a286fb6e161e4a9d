from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("run_id", models.UUIDField()),
                ("key", models.CharField(max_length=20)),
            ],
        ),
    ]
