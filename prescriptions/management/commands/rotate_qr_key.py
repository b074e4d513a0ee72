from django.core.management.base import BaseCommand, CommandError

from portal.reasons import Refused
from prescriptions.code import keys

AUTHOR = "system:rotate_qr_key"


class Command(BaseCommand):
    help = "A new key signs the QR codes from now on; the earlier ones still verify. --revoke KID refuses one for good."

    def add_arguments(self, parser):
        parser.add_argument("--revoke", metavar="KID", help="refuse everything this key signed, then make a new one")

    def handle(self, *args, revoke, **options):
        if revoke:
            try:
                keys.revoke(kid=revoke, by=AUTHOR)
            except Refused as refused:
                raise CommandError(refused.reason.sentence) from None
            self.stdout.write(f"{revoke} is revoked: what it signed is signed again when next shown.")
        self.stdout.write(f"{keys.rotate(by=AUTHOR).kid} signs from now on.")
