"""A root says by number which entries it is over: what a clock that was set back dates cannot fall into it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_roots")]

    operations = [
        migrations.AddField(model_name="root", name="after_entry", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="root", name="last_entry", field=models.BigIntegerField(null=True)),
    ]
