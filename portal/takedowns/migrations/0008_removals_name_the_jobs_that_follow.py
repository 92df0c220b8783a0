"""The two job kinds of a removal say when they follow, instead of `then` and `at_last`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("takedowns", "0007_purged_removals_say_whether_the_log_was_checked")]

    operations = [
        migrations.RenameField(model_name="removal", old_name="then", new_name="job_when_removed"),
        migrations.RenameField(model_name="removal", old_name="at_last", new_name="job_when_purged"),
    ]
