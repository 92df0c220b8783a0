"""The one thing that a regulator's database role may read."""

from django.db import migrations

VIEW = "CREATE VIEW statistics_released AS SELECT at, figures FROM statistics_release ORDER BY at DESC LIMIT 1"


class Migration(migrations.Migration):
    dependencies = [("statistics", "0006_releases")]
    operations = [migrations.RunSQL(VIEW, "DROP VIEW statistics_released")]
