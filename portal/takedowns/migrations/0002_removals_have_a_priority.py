from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("takedowns", "0001_initial")]
    operations = [
        migrations.AddField(
            "removal",
            "priority",
            models.PositiveSmallIntegerField(
                choices=[(0, "Urgent"), (1, "Normal"), (2, "Bulk")], default=1, db_default=1
            ),
        ),
    ]
