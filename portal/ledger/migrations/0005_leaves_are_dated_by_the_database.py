"""A leaf is dated by the database, whatever time it is inserted with: nobody who can write can date back."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION ledger_leaf_is_dated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.appended_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER dated BEFORE INSERT ON ledger_leaf FOR EACH ROW EXECUTE FUNCTION ledger_leaf_is_dated();
"""
BACKWARDS = """
DROP TRIGGER dated ON ledger_leaf;
DROP FUNCTION ledger_leaf_is_dated();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_published_log_is_append_only")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
