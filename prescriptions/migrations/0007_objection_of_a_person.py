import django.db.models.deletion
from django.db import migrations, models

import portal.ids


class Migration(migrations.Migration):
    dependencies = [("prescriptions", "0006_a_report_of_dispensing")]

    operations = [
        migrations.CreateModel(
            name="Objection",
            fields=[
                (
                    "id",
                    models.UUIDField(default=portal.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("effective_from", models.DateField()),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="prescriptions.patient",
                    ),
                ),
            ],
            options={
                "verbose_name": "opposition",
                "verbose_name_plural": "oppositions",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)), fields=("patient",), name="objection_one_a_person"
                    )
                ],
            },
        )
    ]
