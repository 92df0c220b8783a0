"""How many orders there are, and how many images they took: counts, never a row about one order."""

from django.db import migrations

CREATE = """
CREATE VIEW statistics_orders AS
SELECT count(*) AS confirmed,
       count(*) FILTER (WHERE state IN ('opening', 'removing')) AS open,
       (SELECT count(*) FROM takedowns_takedown takedown
        JOIN takedowns_removal removal ON removal.id = takedown.removal_id
        JOIN orders_order ON orders_order.code = removal.origin
        WHERE takedown.state IN ('removed', 'purged')) AS images_deleted
FROM orders_order WHERE state IN ('opening', 'removing', 'removed', 'closed')
"""


class Migration(migrations.Migration):
    dependencies = [("statistics", "0001_views_for_regulators"), ("orders", "0001_orders"), ("takedowns", "__first__")]
    operations = [migrations.RunSQL(CREATE, "DROP VIEW statistics_orders")]
