from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0003_directory_copies")]

    operations = [
        migrations.AddField(
            model_name="threadmessage",
            name="came_with",
            field=models.CharField(
                blank=True,
                choices=[
                    ("shared", "Enregistrée"),
                    ("opened", "Lue"),
                    ("preparing", "En préparation"),
                    ("partially_ready", "En partie prête"),
                    ("ready", "Prête"),
                    ("collected", "Retirée"),
                    ("refused", "Refusée"),
                    ("revoked", "Reprise par le patient"),
                    ("expired", "Expirée"),
                    ("undeliverable", "Non remise"),
                ],
                default="",
                max_length=16,
            ),
            preserve_default=False,
        )
    ]
