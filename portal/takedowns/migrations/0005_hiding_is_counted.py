from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("takedowns", "0004_legal_holds")]

    operations = [
        migrations.AddField(
            model_name="takedown",
            name="hide_attempts",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
