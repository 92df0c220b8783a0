"""Positions, checkpoints and key changes are added, never changed; a position is the next in line or refused."""

from django.db import migrations

TABLES = ("ledger_position", "ledger_checkpoint", "ledger_keychange")
FORWARDS = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION ledger_position_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.index <> (SELECT coalesce(max(index) + 1, 0) FROM ledger_position) THEN
        RAISE EXCEPTION 'place % is not the next', NEW.index USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER next_in_line BEFORE INSERT ON ledger_position
    FOR EACH ROW EXECUTE FUNCTION ledger_position_is_next();
"""
BACKWARDS = """
DROP TRIGGER next_in_line ON ledger_position;
DROP FUNCTION ledger_position_is_next();
DROP FUNCTION ledger_is_append_only();
"""


def _guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
        CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
        """,
        f"DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_truncate ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_published_log")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS), *(_guard(table) for table in TABLES)]
