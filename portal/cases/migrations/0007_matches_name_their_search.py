"""Cases searched before had one search each, which found all their matches by photo."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def name_the_search(apps, schema_editor):
    # As the owner: on a first start the role of the portal cannot log in before the migrations are done.
    owner = schema_editor.connection.alias
    searches = apps.get_model("cases", "Search").objects.using(owner)
    search = searches.filter(case=OuterRef("case")).order_by("-pk")
    matches = apps.get_model("cases", "Match").objects.using(owner).filter(face_id__isnull=False, search=None)
    matches.update(search=Subquery(search.values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_searches_are_kept")]

    operations = [migrations.RunPython(name_the_search, migrations.RunPython.noop)]
