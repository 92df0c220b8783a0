import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blocks", "0001_choices_and_exemptions"),
    ]

    operations = [
        migrations.AddField("choice", "recovery_key", models.UUIDField(null=True)),
        migrations.AddField("choice", "recovery_sealed", models.BinaryField(null=True)),
        migrations.CreateModel(
            name="Asked",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("sealed", models.BinaryField()),
                ("asked_at", models.DateTimeField(db_index=True)),
                ("slot_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
