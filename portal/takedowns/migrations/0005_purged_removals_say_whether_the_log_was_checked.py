"""Purged is claimed of the data files; of the log only where the server let it be looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("takedowns", "0004_legal_holds")]

    operations = [
        migrations.AddField(model_name="removal", name="log_checked", field=models.BooleanField(null=True)),
    ]
