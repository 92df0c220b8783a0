"""A case may have several photos, and probes say what they are of."""

import django.db.models.deletion
from django.db import migrations, models

KINDS = [("own", "Own"), ("mirrored", "Mirrored"), ("confirmed", "Confirmed")]


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_live_scores")]

    operations = [
        migrations.AlterModelOptions("photo", options={"ordering": ["pk"]}),
        migrations.AlterField(
            "photo",
            "case",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="photos", to="cases.case"),
        ),
        migrations.AddField("photo", "flaw", models.CharField(blank=True, default="", max_length=12), False),
        migrations.AddField(
            "probe",
            "photo",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="probes", to="cases.photo"
            ),
        ),
        migrations.AddField("probe", "kind", models.CharField(choices=KINDS, default="own", max_length=12)),
        migrations.AddField(
            "probe",
            "match",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="probes", to="cases.match"
            ),
        ),
    ]
