import signal
import threading
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sharing.demo import certificates, operator


class Command(BaseCommand):
    help = "The local MSSanté operator alone, for trying things by hand. Prints the settings that point at it."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=0, help="0: any free one")
        parser.add_argument("--mailboxes", type=Path, default=settings.MSSANTE_MAILBOXES)

    def handle(self, *args, port, mailboxes, **options):
        local = operator.Operator(certificates.ready_in(certificates.demo_folder()), mailboxes, port=port)
        try:
            local.start()
        except OSError as error:
            raise CommandError(f"Port {port} cannot be listened on: {error.strerror}.") from None
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        for name, value in operator.settings_for(local).items():
            self.stdout.write(f"{name}={value}")
        stopping.wait()
        local.stop()
