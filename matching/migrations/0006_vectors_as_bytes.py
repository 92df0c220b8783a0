from django.db import migrations

# A sweep reads every embedding, and halfvec's send function costs the server more than all the rest of that. With
# this cast they leave as they lie. Only a superuser may declare it: elsewhere the sweep does without.
CREATE = """
DO $$
BEGIN
    CREATE CAST (halfvec AS bytea) WITHOUT FUNCTION;
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object THEN NULL;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0005_tombstone_mark")]

    operations = [migrations.RunSQL(CREATE, "DROP CAST IF EXISTS (halfvec AS bytea)")]
