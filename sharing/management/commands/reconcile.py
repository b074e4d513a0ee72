from django.core.management.base import BaseCommand

from sharing import reconciliation


class Command(BaseCommand):
    help = "Counts what does not add up: every line must be 0. Ends with status 1 when one is not."

    def handle(self, *args, **options):
        counts = reconciliation.counts()
        for name, count in counts.items():
            self.stdout.write(f"{count:6}  {name.replace('_', ' ')}")
        if any(counts.values()):
            raise SystemExit(1)
