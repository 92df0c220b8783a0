from django.db import migrations, models

# What is there was made by the earlier rules (1), what comes from now on by those of today (2). A default costs no
# rewriting of the table, and what a register named by an address keeps its digest under the name of what it now is.
FORMS = (("harvestedimage", "address_form"), ("refusedaddress", "form"), ("exemption", "form"))


class Migration(migrations.Migration):
    dependencies = [("matching", "0009_editions_of_the_refused_list")]

    operations = [
        *(migrations.AddField(model, name, models.SmallIntegerField(db_default=1)) for model, name in FORMS),
        *(migrations.AlterField(model, name, models.SmallIntegerField(db_default=2)) for model, name in FORMS),
        migrations.RemoveConstraint("disclosure", "disclosure_of_something"),
        migrations.RemoveIndex("disclosure", "disclosure_address"),
        migrations.RenameField("disclosure", "address_digest", "earlier_digest"),
        migrations.AddField("disclosure", "address_digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddIndex("disclosure", models.Index(fields=["address_digest"], name="disclosure_address")),
        migrations.AddIndex("disclosure", models.Index(fields=["earlier_digest"], name="disclosure_earlier_address")),
        migrations.AddConstraint(
            "disclosure",
            models.CheckConstraint(
                condition=models.Q(
                    ("image_id__isnull", False),
                    ("address_digest__isnull", False),
                    ("earlier_digest__isnull", False),
                    _connector="OR",
                ),
                name="disclosure_of_something",
            ),
        ),
    ]
