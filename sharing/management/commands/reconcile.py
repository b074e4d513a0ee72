from django.core.management.base import BaseCommand

from sharing import reconciliation, vitals


class Command(BaseCommand):
    help = "Counts what does not add up: every count must be 0. Ends with 1, and names rows, when one is not."

    def handle(self, *args, **options):
        counts = reconciliation.counts()
        for name, count in counts.items():
            self.stdout.write(f"{count:6}  {name.replace('_', ' ')}")
            for row in reconciliation.some(name) if count else []:
                self.stdout.write(f"        {row}")
        self.stdout.write(f"Oldest message waiting to leave: {vitals.oldest_pending_seconds():.0f} s.")
        if any(counts.values()):
            raise SystemExit(1)
