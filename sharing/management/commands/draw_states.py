from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from sharing.states import DELIVERY_MOVES, SHARE_MOVES, DeliveryStatus, ShareStatus

FILE = Path(settings.BASE_DIR) / "docs" / "states.md"
HEAD = """# States

Drawn from the tables of `sharing/states.py` by `manage.py draw_states`: change them there, then draw again.
A move that is not drawn is refused with a reason.
"""


class Command(BaseCommand):
    help = "Draw the tables of states in docs/states.md (Mermaid)."

    def handle(self, **options):
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(document())
        self.stdout.write(f"Drawn in {FILE.relative_to(settings.BASE_DIR)}.")


def document() -> str:
    with translation.override("fr"):
        return "\n".join([HEAD, *_share(), "", *_delivery(), ""])


def _share() -> list[str]:
    moves = [
        f"    {before} --> {after}: {move.who}{', the patient gets a notice' if move.notice else ''}"
        for (before, after), move in SHARE_MOVES.items()
    ]
    return ["## Share: what people read", "", *_drawn(ShareStatus, ShareStatus.SHARED, moves)]


def _delivery() -> list[str]:
    moves = [f"    {before} --> {after}" for before, after in sorted(DELIVERY_MOVES)]
    return ["## Delivery: what the mail did", "", *_drawn(DeliveryStatus, DeliveryStatus.QUEUED, moves)]


def _drawn(statuses, first: str, moves: list[str]) -> list[str]:
    names = [f"    {status.value}: {status.value} « {status.label} »" for status in statuses]
    left = {before for before, _, _ in (move.split()[:3] for move in moves)}
    ends = [f"    {status.value} --> [*]" for status in statuses if status.value not in left]
    return ["```mermaid", "stateDiagram-v2", *names, f"    [*] --> {first}", *moves, *ends, "```"]
