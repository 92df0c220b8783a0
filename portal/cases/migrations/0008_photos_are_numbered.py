"""Photos are numbered within their case; a case had one before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0007_matches_name_their_search")]

    operations = [
        migrations.AddField("photo", "number", models.PositiveSmallIntegerField(default=1)),
        migrations.AlterModelOptions("photo", options={"ordering": ["number"]}),
        migrations.AddConstraint("photo", models.UniqueConstraint(fields=("case", "number"), name="photo_number_once")),
    ]
