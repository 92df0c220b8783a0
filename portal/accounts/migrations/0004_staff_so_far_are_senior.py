"""Until now everybody of staff could decide orders. Whoever is to do so no more is made junior by hand."""

from django.db import migrations

SENIOR = "UPDATE accounts_user SET is_senior = true WHERE role = 'staff'"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_duty_and_seniority")]
    operations = [migrations.RunSQL(SENIOR, migrations.RunSQL.noop)]
