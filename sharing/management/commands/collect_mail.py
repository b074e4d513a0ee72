from django.core.management.base import BaseCommand, CommandError

from sharing import inbound, mssante


class Command(BaseCommand):
    help = "Fetches what came for us once, and understands it."

    def handle(self, *args, **options):
        try:
            fetched = mssante.fetch_new(inbound.keep)
        except mssante.CannotFetch as error:
            raise CommandError(f"The mailbox was not read: {error}.") from None
        inbound.process_stored()
        self.stdout.write(f"{fetched} fetched.")
