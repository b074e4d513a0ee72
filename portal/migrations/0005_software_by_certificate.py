from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("portal", "0004_labels")]

    operations = [
        migrations.AlterField(
            model_name="softwareclient",
            name="public_jwk",
            field=models.JSONField(blank=True, null=True, verbose_name="clé publique"),
        ),
        migrations.AddField(
            model_name="softwareclient",
            name="certificate_thumbprint",
            field=models.CharField(blank=True, default="", max_length=43, verbose_name="empreinte du certificat"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="softwareclient",
            name="certificate_subject",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="sujet du certificat"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="certificate_thumbprint",
            field=models.CharField(blank=True, default="", max_length=43),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="softwareclient",
            constraint=models.CheckConstraint(
                name="software_proves_itself_in_one_way",
                condition=Q(public_jwk__isnull=False, certificate_thumbprint="", certificate_subject="")
                | Q(public_jwk__isnull=True, certificate_subject="") & ~Q(certificate_thumbprint="")
                | Q(public_jwk__isnull=True, certificate_thumbprint="") & ~Q(certificate_subject=""),
            ),
        ),
    ]
