from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_recipients_and_notices")]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="state",
            field=models.CharField(
                choices=[
                    ("collecting", "Collecting"),
                    ("due", "To be sent"),
                    ("sent", "Sent, not yet acknowledged"),
                    ("acknowledged", "Acknowledged"),
                    ("stuck", "Waits for a person"),
                    ("settled", "Settled by a person"),
                    ("withdrawn", "Withdrawn before it was sent"),
                ],
                default="collecting",
                max_length=12,
            ),
        ),
    ]
