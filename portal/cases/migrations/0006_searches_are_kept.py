"""Each search of a case is kept, and a match names the one whose thresholds it was decided with."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_several_photos")]

    operations = [
        migrations.AlterModelOptions("search", options={"ordering": ["pk"]}),
        migrations.AlterField(
            "search",
            "case",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="searches", to="cases.case"),
        ),
        migrations.AddField(
            "match",
            "search",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="matches", to="cases.search"
            ),
        ),
        migrations.AddField("match", "expanded", models.BooleanField(default=False)),
    ]
