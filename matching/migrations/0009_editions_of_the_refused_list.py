import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0008_unwritten_notes"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedList",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("edition", models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_refused_list")],
            },
        ),
    ]
