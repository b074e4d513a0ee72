from django.core.management.base import BaseCommand
from django.db import transaction

from portal import audit, crypto, resealing


class Command(BaseCommand):
    help = (
        "Seal again, with the first key of ORDOLIEN_FIELD_KEYS, every value that an older key sealed. "
        "May be stopped and started again at any moment; when it ends, the older keys can go."
    )

    def handle(self, **options):
        total = 0
        for field in resealing.sealed_fields():
            total += self._one_field(field)
        total += self._told("second factors", resealing.reseal_factors())
        with transaction.atomic():
            audit.record(kind="keys.rotated", by="system:rotate_field_keys", values=total)
        self.stdout.write(f"Done: {total} value(s) sealed again; every value is under key {crypto.current_key_id()!r}.")

    def _one_field(self, field) -> int:
        name, left, done = f"{field.model._meta.label}.{field.name}", resealing.due(field).count(), 0
        for replaced in resealing.reseal(field):
            done += replaced
            self.stdout.write(f"{name}: {done} of {left}", ending="\r")
        return self._told(name, done)

    def _told(self, name: str, done: int) -> int:
        if done:
            self.stdout.write(f"{name}: {done} sealed again")
        return done
