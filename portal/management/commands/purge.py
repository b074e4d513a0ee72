from datetime import timedelta

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand

from portal.clock import db_now
from portal.idempotency import one_time_keys
from portal.models import AccessToken, Notice, UsedAssertion

ASKED_AGAIN_FOR = timedelta(days=30)  # nobody repeats a request later than that
SENT_FOR = timedelta(days=90)


class Command(BaseCommand):
    help = (
        "Forgets what had to be kept only for a while: ended sessions, answers to old requests, notices long sent, "
        "what software proved itself with."
    )

    def handle(self, **options):
        now = db_now()
        old = {
            "sessions": Session.objects.filter(expire_date__lt=now),
            "answers": one_time_keys().filter(created_at__lt=now - ASKED_AGAIN_FOR),
            "notices": Notice.objects.filter(status=Notice.Status.SENT, sent_at__lt=now - SENT_FOR),
            "tokens": AccessToken.objects.filter(expires_at__lt=now),
            "assertions": UsedAssertion.objects.filter(expires_at__lt=now),
        }
        for name, rows in old.items():
            self.stdout.write(f"{rows.delete()[0]:6}  {name}")
