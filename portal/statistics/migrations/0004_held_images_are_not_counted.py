"""An image under a legal hold is in no public figure, as long as it is held."""

from django.db import migrations

VIEW = "CREATE OR REPLACE VIEW statistics_images AS SELECT state, count(*) AS images FROM takedowns_takedown"


class Migration(migrations.Migration):
    dependencies = [("statistics", "0003_kept_out"), ("takedowns", "0004_legal_holds")]
    operations = [migrations.RunSQL(f"{VIEW} WHERE state <> 'held' GROUP BY state", f"{VIEW} GROUP BY state")]
