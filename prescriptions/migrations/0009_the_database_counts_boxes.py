from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("prescriptions", "0008_a_document_for_software")]

    operations = [
        migrations.AddField("dispensing", "not_after", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("dispensingline", "boxes_before", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("dispensingline", "boxes_due", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddConstraint(
            "dispensing",
            models.CheckConstraint(
                name="dispensing_before_the_end",
                condition=Q(not_after__isnull=True) | Q(dispensed_at__lt=F("not_after")),
            ),
        ),
        migrations.AddConstraint(
            "dispensingline",
            models.UniqueConstraint(fields=["line", "boxes_before"], name="dispensing_each_box_once"),
        ),
        migrations.AddConstraint(
            "dispensingline",
            models.CheckConstraint(
                name="dispensing_never_more_boxes_than_due",
                condition=Q(boxes_before__isnull=True)
                | Q(boxes_due__isnull=True)
                | Q(boxes_due__gte=F("boxes_before") + F("quantity")),
            ),
        ),
    ]
