import signal
import threading

from django.core.management.base import BaseCommand

from sharing import sweep


class Command(BaseCommand):
    help = "Sends what is due, reads what comes back, says what must be said. Stands until stopped (SIGTERM, Ctrl-C)."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--senders", type=int, help="connections to the operator at once")

    def handle(self, *args, **options):
        if options["once"]:
            sweep.run_once()
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        standing = sweep.Sweep(senders=options["senders"]).start()
        self.stdout.write("Sweeping.")
        stopping.wait()
        standing.stop()
