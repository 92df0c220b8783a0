"""Blocks in force, and what they kept out in each month that is over: the two numbers a regulator asks for.

Small cells are suppressed and the others rounded in the view, so that no role reads them exactly, and a month is told
once it is over: two looks on two days cannot be subtracted to see one photo refused.
"""

from django.db import migrations

# Below ten nothing is told, from ten on the next lower multiple of five.
VIEWS = {
    "statistics_blocks": """
        SELECT CASE WHEN count(*) >= 10 THEN count(*) / 5 * 5 END AS blocks FROM matching_block WHERE state = 'active'
    """,
    "statistics_kept_out": """
        SELECT month,
               CASE WHEN asked >= 10 THEN asked / 5 * 5 END AS asked,
               CASE WHEN refused >= 10 THEN refused / 5 * 5 END AS refused
        FROM (
            SELECT date_trunc('month', started_at AT TIME ZONE 'UTC')::date AS month,
                   sum(images)::bigint AS asked, sum(refused)::bigint AS refused
            FROM matching_screening
            WHERE started_at AT TIME ZONE 'UTC' < date_trunc('month', now() AT TIME ZONE 'UTC')
            GROUP BY 1
        ) AS months
    """,
}


class Migration(migrations.Migration):
    dependencies = [("statistics", "0002_orders"), ("matching", "0007_block_list")]

    operations = [
        migrations.RunSQL(f"CREATE VIEW {name} AS {body}", f"DROP VIEW {name}") for name, body in VIEWS.items()
    ]
