from django.db import migrations


def forget_the_red_list(apps, schema_editor):
    """An address that must not be used is not kept: the import forgets it, and so does this."""
    apps.get_model("sharing", "Mailbox").objects.filter(is_listed=False).delete()


class Migration(migrations.Migration):
    dependencies = [("sharing", "0010_files_that_wait")]

    operations = [
        migrations.RunPython(forget_the_red_list, migrations.RunPython.noop),
        migrations.RemoveField(model_name="mailbox", name="is_listed"),
    ]
