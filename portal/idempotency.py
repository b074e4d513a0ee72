"""One effect a key: the answer of a write is kept in the same transaction as its effect (unique constraint)."""

import hashlib
import json
import secrets

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.models import IdempotencyKey
from portal.reasons import Reason, Refused

OTHER_BODY = "idempotency-other-body"


def new_key() -> str:
    """The one-time key of a form: sent twice, it has one effect."""
    return secrets.token_urlsafe(16)


def once(*, scope: str, key: str, request_facts: dict, effect) -> dict:
    """Runs `effect()` (which returns a JSON answer: ids only) once for this key, and gives its answer every time.

    The row is inserted first: a second request at the same instant waits on the unique constraint and then reads the
    first one's answer. Same key with other facts: Refused(OTHER_BODY). No key: always runs.
    """
    if not key:
        return effect()
    fingerprint = hashlib.sha256(json.dumps(request_facts, sort_keys=True, default=str).encode()).hexdigest()
    with transaction.atomic():
        row, is_new = IdempotencyKey.objects.select_for_update().get_or_create(
            scope=scope, key=key[:80], defaults={"request_hash": fingerprint}
        )
        if not is_new:
            return _earlier_answer(row, fingerprint)
        row.answer = effect()
        row.save(update_fields=["answer"])
        return row.answer


def one_time_keys() -> QuerySet[IdempotencyKey]:
    """Those that nobody repeats later. The others say what came, and keep it from being taken twice, for good."""
    return IdempotencyKey.objects.exclude(Q(scope__endswith=":file") | Q(scope__endswith=":deposit"))


def _earlier_answer(row: IdempotencyKey, fingerprint: str) -> dict:
    if row.request_hash != fingerprint:
        raise Refused(
            Reason(
                OTHER_BODY,
                _("Cette demande a déjà servi pour autre chose. Rechargez la page et recommencez."),
            )
        )
    return row.answer
