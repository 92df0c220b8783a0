"""A case states the day from which its clock counts, and in which time zone it was that day."""

from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Until now the day was the operator's; it counts for cases that run already, as their clock never moves.
BACKFILL = """
UPDATE cases_case SET received_on = (received_at AT TIME ZONE %(zone)s)::date, received_zone = %(zone)s
WHERE received_at IS NOT NULL
"""


def backfill(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute(BACKFILL, {"zone": settings.TIME_ZONE})


class Migration(migrations.Migration):
    dependencies = [("cases", "0008_photos_are_numbered")]

    operations = [
        migrations.AddField("case", "received_on", models.DateField(null=True)),
        migrations.AddField("case", "received_zone", models.CharField(max_length=32, blank=True, default="")),
        migrations.RunPython(backfill, migrations.RunPython.noop),
        migrations.AlterField("case", "received_zone", models.CharField(max_length=32, blank=True)),
    ]
