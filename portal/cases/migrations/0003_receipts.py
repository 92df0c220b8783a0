"""Each case gets a second key, for what outlives the photo, and a fixed time for its receipt."""

import uuid

from django.db import migrations, models

# Cases from before have one key for both, and leaves that are written already once they are closed.
BACKFILL = """
UPDATE cases_case SET proof_key_id = key_id;
UPDATE cases_case SET receipt_at = greatest(slot_at, due_on + interval '8 days') WHERE received_at IS NOT NULL;
UPDATE cases_case SET recorded_at = closed_at, receipted_at = closed_at WHERE closed_at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_two_people_restore")]
    operations = [
        migrations.AddField("case", "proof_key_id", models.UUIDField(null=True)),
        migrations.AddField("case", "receipt_at", models.DateTimeField(db_index=True, null=True)),
        migrations.AddField("case", "recorded_at", models.DateTimeField(null=True)),
        migrations.AddField("case", "receipted_at", models.DateTimeField(null=True)),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AlterField("case", "proof_key_id", models.UUIDField(default=uuid.uuid4, unique=True)),
    ]
