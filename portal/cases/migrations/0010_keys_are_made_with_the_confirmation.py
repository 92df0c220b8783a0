"""A case has its keys once its contact is confirmed; those of before had them from their first page."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_day_of_receipt")]
    operations = [
        migrations.AddField("case", "has_keys", models.BooleanField(default=True)),
        migrations.AlterField("case", "has_keys", models.BooleanField(default=False)),
    ]
