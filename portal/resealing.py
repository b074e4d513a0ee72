"""Sealing again with the newest key what an older one sealed. Stops and starts anywhere: what is done is no longer due.

Each value is replaced only if it is still the one that was read, so that an edit at the same moment wins.
"""

from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models
from django.db.models.functions import Cast, Left

from portal import crypto
from portal.accounts import SECRETS_BELONG_TO

BATCH = 200


def sealed_fields() -> list[models.Field]:
    """Every encrypted field of every model."""
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if getattr(field, "is_encrypted", False)
    ]


def due(field: models.Field) -> models.QuerySet:
    """Rows whose value another key than the first one sealed."""
    prefix = f"{crypto.current_key_id()}."
    rows = field.model._base_manager.filter(**{f"{field.name}__isnull": False})
    return rows.annotate(sealed_by=Left(field.name, len(prefix), output_field=models.CharField())).exclude(
        sealed_by=prefix
    )


def reseal(field: models.Field) -> Iterator[int]:
    """Works through what is due, one batch after the other; yields how many values each one replaced."""
    after = None
    while True:
        rows = due(field).order_by("pk")
        batch = list((rows.filter(pk__gt=after) if after else rows).only("pk", field.attname)[:BATCH])
        if not batch:
            return
        after = batch[-1].pk
        yield sum(_reseal_one(row, field) for row in batch)


def _reseal_one(row: models.Model, field: models.Field) -> int:
    before = row.__dict__[field.attname]
    bound_to = field.bound_to(row)
    after = crypto.seal(crypto.unseal(before, bound_to=bound_to), bound_to=bound_to)
    unchanged = field.model._base_manager.annotate(now=Cast(field.name, models.TextField()))
    return unchanged.filter(pk=row.pk, now=str(before)).update(**{field.name: after})


def reseal_factors() -> int:
    """The secrets of second factors, which allauth keeps in its own JSON."""
    done = 0
    for factor in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).iterator():
        data = {name: _reseal_secret(value) for name, value in factor.data.items()}
        if data != factor.data:
            done += Authenticator.objects.filter(pk=factor.pk, data=factor.data).update(data=data)
    return done


def _reseal_secret(value):
    if isinstance(value, list):
        return [_reseal_secret(one) for one in value]
    if not isinstance(value, str) or value.startswith(f"{crypto.current_key_id()}."):
        return value
    return str(crypto.seal(crypto.unseal(value, bound_to=SECRETS_BELONG_TO), bound_to=SECRETS_BELONG_TO))
