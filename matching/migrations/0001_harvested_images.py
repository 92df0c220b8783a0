import uuid

from django.db import migrations, models

# ANALYZE copies sampled values into pg_statistic, where they would outlive the row.
NO_STATISTICS = """
ALTER TABLE matching_harvestedimage ALTER COLUMN file_digest SET STATISTICS 0;
ALTER TABLE matching_harvestedimage ALTER COLUMN page SET STATISTICS 0;
ALTER TABLE matching_harvestedimage ALTER COLUMN page_digest SET STATISTICS 0;
ALTER TABLE matching_harvestedimage ALTER COLUMN address_digest SET STATISTICS 0;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="HarvestedImage",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("file_digest", models.BinaryField(max_length=32)),
                ("page", models.TextField()),
                ("page_digest", models.BinaryField(max_length=32)),
                ("address_digest", models.BinaryField(max_length=32)),
                ("site", models.TextField()),
                ("country", models.CharField(blank=True, max_length=2)),
                ("harvested_on", models.DateField()),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("hidden_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["page_digest"], name="image_page"),
                    models.Index(fields=["address_digest"], name="image_address"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("file_digest", "page_digest"), name="one_image_a_file_and_page")
                ],
            },
        ),
        migrations.CreateModel(
            name="Intake",
            fields=[("image_id", models.UUIDField(primary_key=True, serialize=False))],
        ),
        migrations.RunSQL(NO_STATISTICS, migrations.RunSQL.noop),
    ]
