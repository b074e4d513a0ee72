"""What `manage.py serve` runs beside the site, in its process. Each starts and gives what stops it."""

from collections.abc import Callable

from django.conf import settings

from sharing import mssante
from sharing.demo import certificates, operator
from sharing.sweep import Sweep

STOP_SECONDS = 1


def local_operator() -> Callable[[], None] | None:
    """In the demo, unless a real operator is named; the portal's settings then point at it."""
    if mssante.is_configured() or not settings.DEMO:
        return None
    running = operator.Operator(certificates.ready_in(certificates.demo_folder()), settings.MSSANTE_MAILBOXES).start()
    for name, value in operator.settings_for(running).items():
        setattr(settings, name, value)
    return running.stop


def sweep() -> Callable[[], None]:
    running = Sweep().start()
    return lambda: running.stop(STOP_SECONDS)
