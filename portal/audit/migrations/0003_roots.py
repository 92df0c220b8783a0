"""The trail's roots, added and never changed, with the ledger's trigger."""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_root
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_root
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""
BACKWARDS = """
DROP TRIGGER append_only ON audit_root;
DROP TRIGGER append_only_truncate ON audit_root;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
        ("ledger", "0004_published_log_is_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="Root",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(unique=True)),
                ("until", models.DateTimeField(unique=True)),
                ("entries", models.BigIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                ("blind", models.BinaryField(max_length=32)),
                ("salt", models.BinaryField(max_length=32)),
                (
                    "leaf",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.leaf"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
