import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portal.reasons import Refused
from sharing.models import Share
from sharing.outgoing import message


class Command(BaseCommand):
    help = (
        "Writes the exact bytes of a share's secure message: those that left or wait to leave, else what would leave "
        "now. It holds health data: mind where it goes."
    )

    def add_arguments(self, parser):
        parser.add_argument("share", help="id of the share")
        parser.add_argument("--out", type=Path, help="file; the screen when it is left out")

    def handle(self, *args, share, out, **options):
        try:
            content = _content(Share.objects.get(pk=share))
        except (Share.DoesNotExist, ValidationError):
            raise CommandError("No share has this id.") from None
        except Refused as refused:
            raise CommandError(str(refused.reason)) from None
        if out:
            out.write_bytes(content)
        else:
            sys.stdout.buffer.write(content)


def _content(share: Share) -> bytes:
    delivery = share.first_delivery
    return bytes(delivery.content) if delivery else message.compose_share(share).content
