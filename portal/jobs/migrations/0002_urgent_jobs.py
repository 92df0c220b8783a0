from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.AddField("job", "urgent", models.BooleanField(default=False, db_default=False))]
