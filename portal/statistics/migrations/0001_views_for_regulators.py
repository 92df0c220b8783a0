"""What a regulator's database role may read: counts and medians, never a row about one case.

A view runs with the rights of its owner, so the role needs none on the tables beneath.
"""

from django.db import migrations

VIEWS = {
    "statistics_states": """
        SELECT state, count(*) AS cases
        FROM cases_case WHERE received_at IS NOT NULL GROUP BY state
    """,
    "statistics_places": """
        SELECT place, statute, count(*) AS received,
               count(*) FILTER (WHERE state IN ('received', 'searching', 'waiting', 'review', 'erasing')) AS open
        FROM cases_case WHERE received_at IS NOT NULL GROUP BY place, statute
    """,
    # Open cases a due date, so that the reader's own calendar decides what is overdue.
    "statistics_due": """
        SELECT due_on, count(*) AS cases
        FROM cases_case
        WHERE due_on IS NOT NULL AND state IN ('received', 'searching', 'waiting', 'review', 'erasing')
        GROUP BY due_on
    """,
    "statistics_days": """
        SELECT day, sum(received)::bigint AS received, sum(settled)::bigint AS settled, sum(closed)::bigint AS closed
        FROM (
            SELECT (received_at AT TIME ZONE 'UTC')::date AS day, 1 AS received, 0 AS settled, 0 AS closed
            FROM cases_case WHERE received_at IS NOT NULL
            UNION ALL
            SELECT (settled_at AT TIME ZONE 'UTC')::date, 0, 1, 0
            FROM cases_case WHERE received_at IS NOT NULL AND settled_at IS NOT NULL
            UNION ALL
            SELECT (closed_at AT TIME ZONE 'UTC')::date, 0, 0, 1
            FROM cases_case WHERE received_at IS NOT NULL AND closed_at IS NOT NULL
        ) AS events GROUP BY day
    """,
    # Seconds. Each row: what is timed, over how many, the median, and what nine in ten stay within.
    "statistics_times": """
        SELECT timed, count(*) AS measured,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS nine_in_ten
        FROM (
            SELECT 'settled' AS timed, extract(epoch FROM settled_at - received_at)::float8 AS seconds
            FROM cases_case WHERE received_at IS NOT NULL AND settled_at IS NOT NULL
            UNION ALL
            SELECT 'closed', extract(epoch FROM closed_at - received_at)::float8
            FROM cases_case WHERE received_at IS NOT NULL AND closed_at IS NOT NULL
            UNION ALL
            SELECT 'hidden', extract(epoch FROM hidden_at - opened_at)::float8
            FROM takedowns_removal WHERE hidden_at IS NOT NULL
            UNION ALL
            SELECT 'removed', extract(epoch FROM removed_at - opened_at)::float8
            FROM takedowns_removal WHERE removed_at IS NOT NULL
            UNION ALL
            SELECT 'purged', extract(epoch FROM purged_at - opened_at)::float8
            FROM takedowns_removal WHERE purged_at IS NOT NULL
        ) AS durations GROUP BY timed
    """,
    "statistics_images": """
        SELECT state, count(*) AS images FROM takedowns_takedown GROUP BY state
    """,
}


class Migration(migrations.Migration):
    initial = True

    dependencies = [("cases", "__first__"), ("takedowns", "__first__")]

    operations = [
        migrations.RunSQL(f"CREATE VIEW {name} AS {body}", f"DROP VIEW {name}") for name, body in VIEWS.items()
    ]
