import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portal.reasons import Refused
from sharing import message
from sharing.models import Share


class Command(BaseCommand):
    help = "Writes the secure message of a share as it would be composed now. It holds health data: mind where it goes."

    def add_arguments(self, parser):
        parser.add_argument("share", help="id of the share")
        parser.add_argument("--output", type=Path, help="file; the screen when it is left out")

    def handle(self, *args, share, output, **options):
        try:
            composed = message.compose_share(Share.objects.get(pk=share))
        except (Share.DoesNotExist, ValidationError):
            raise CommandError("No share has this id.") from None
        except Refused as refused:
            raise CommandError(str(refused.reason)) from None
        if output:
            output.write_bytes(composed.content)
        else:
            sys.stdout.buffer.write(composed.content)
