"""Rows of ledger_leaf are added, never changed: a trigger refuses the rest, for the owner of the table too."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION ledger_leaf_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger_leaf is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_leaf
    FOR EACH ROW EXECUTE FUNCTION ledger_leaf_is_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ledger_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_leaf_is_append_only();
"""
BACKWARDS = """
DROP TRIGGER append_only ON ledger_leaf;
DROP TRIGGER append_only_truncate ON ledger_leaf;
DROP FUNCTION ledger_leaf_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
