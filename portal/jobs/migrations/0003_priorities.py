from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_urgent_jobs")]
    operations = [
        migrations.AddField(
            "job",
            "priority",
            models.PositiveSmallIntegerField(
                choices=[(0, "Urgent"), (1, "Normal"), (2, "Bulk")], default=1, db_default=1
            ),
        ),
        migrations.RunSQL("UPDATE jobs_job SET priority = 0 WHERE urgent", migrations.RunSQL.noop),
        migrations.RemoveField("job", "urgent"),
        migrations.RemoveIndex("job", "job_due"),
        migrations.AddIndex(
            "job",
            models.Index(fields=["priority", "run_at", "id"], condition=models.Q(state="due"), name="job_next"),
        ),
    ]
