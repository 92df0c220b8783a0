import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("matching", "0002_partitioned_faces")]

    operations = [
        # What was deleted before this has no name; the next purge takes it away with the rest.
        migrations.AddField(
            model_name="residue",
            name="image_id",
            field=models.UUIDField(default=uuid.UUID(int=0)),
            preserve_default=False,
        ),
    ]
