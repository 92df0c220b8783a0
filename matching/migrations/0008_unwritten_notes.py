import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0007_block_list"),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("note", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("kind", models.CharField(max_length=16)),
                ("subject", models.UUIDField()),
                ("said", models.TextField(blank=True)),
            ],
        ),
    ]
