"""An entry is dated by the database, whatever time it is inserted with: nobody who can write can date back."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION audit_entry_is_dated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER dated BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_entry_is_dated();
"""
BACKWARDS = """
DROP TRIGGER dated ON audit_entry;
DROP FUNCTION audit_entry_is_dated();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_roots_end_at_an_entry")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
