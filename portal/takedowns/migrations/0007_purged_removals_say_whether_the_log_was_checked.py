"""Purged is claimed of the data files; of the log only where the server let it be looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("takedowns", "0006_holds_can_be_handed_over")]

    operations = [
        migrations.AddField(model_name="removal", name="log_checked", field=models.BooleanField(null=True)),
    ]
