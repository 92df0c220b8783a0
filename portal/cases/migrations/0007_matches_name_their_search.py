"""Cases searched before had one search each, which found all their matches by photo."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def name_the_search(apps, schema_editor):
    search = apps.get_model("cases", "Search").objects.filter(case=OuterRef("case")).order_by("-pk")
    matches = apps.get_model("cases", "Match").objects.filter(face_id__isnull=False, search=None)
    matches.update(search=Subquery(search.values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_searches_are_kept")]

    operations = [migrations.RunPython(name_the_search, migrations.RunPython.noop)]
