"""How many removals are purged, and of how many of them the server's log and files could not be looked at."""

from django.db import migrations

VIEW = """
CREATE VIEW statistics_purges AS
SELECT count(*) AS purged, count(*) FILTER (WHERE log_checked IS NOT TRUE) AS log_unseen
FROM takedowns_removal WHERE purged_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("statistics", "0004_held_images_are_not_counted"),
        ("takedowns", "0007_purged_removals_say_whether_the_log_was_checked"),
    ]
    operations = [migrations.RunSQL(VIEW, "DROP VIEW statistics_purges")]
