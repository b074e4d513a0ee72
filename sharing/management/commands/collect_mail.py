import os
import signal
import threading

from django.core.management.base import BaseCommand, CommandError

from sharing import mssante
from sharing.incoming import collecting, mails


class Command(BaseCommand):
    help = "Fetches what came for us once, and understands it. --follow stands beside the mailbox until stopped."

    def add_arguments(self, parser):
        parser.add_argument("--follow", action="store_true", help="as the sweep does: IDLE, or polling")

    def handle(self, *args, follow, **options):
        if follow:
            self._follow()
            return
        try:
            fetched = collecting.fetch()
        except mssante.CannotFetch as error:
            raise CommandError(f"The mailbox was not read: {error}.") from None
        finally:
            mails.process_stored()
        self.stdout.write(f"{fetched} fetched.")

    def _follow(self):
        stopping, leave = threading.Event(), threading.Timer(collecting.STOP_SECONDS, os._exit, [0])
        leave.daemon = True

        def stop(*_):
            if not stopping.is_set():
                stopping.set()
                leave.start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        self.stdout.write("Following.")
        collecting.follow(stopping)
