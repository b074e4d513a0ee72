"""The heads of the audit's chains, signed, to be kept outside: a chain cut at its tail no longer reaches them.

The document is JSON: {"format", "site", "at", "heads": [{"chain", "length", "hash"}], "signature"}. The signature is
Django's HMAC-SHA256 under DJANGO_SECRET_KEY (its fallbacks still verify) over the rest in canonical form.
"""

import json
from collections.abc import Iterator
from datetime import UTC

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from portal.models import AuditEvent, AuditHead

FORMAT = "ordolien-audit-heads-1"
_SIGNER_SALT = "portal.audit_heads"


def signed_heads() -> dict:
    heads = AuditHead.objects.filter(length__gt=0).order_by("chain").values("chain", "length", "hash")
    document = {
        "format": FORMAT,
        "site": settings.SITE_URL,
        "at": timezone.now().astimezone(UTC).isoformat(timespec="seconds"),
        "heads": list(heads),
    }
    return document | {"signature": _signer().signature(_canonical(document))}


def verify_against(document: dict) -> Iterator[str]:
    """Yields a sentence for each chain that no longer reaches the exported head, or one if the export is not ours."""
    facts = {name: value for name, value in document.items() if name != "signature"}
    if facts.get("format") != FORMAT or not _is_ours(facts, str(document.get("signature", ""))):
        yield "The exported heads are not signed by this site."
        return
    for head in facts["heads"]:
        link = AuditEvent.objects.filter(chain=head["chain"], position=head["length"]).first()
        if link is None:
            yield f"Chain {head['chain']} was cut: position {head['length']} was there on {facts['at']}."
        elif link.hash != head["hash"]:
            yield f"Chain {head['chain']} was rewritten before position {head['length']}."


def _is_ours(facts: dict, signature: str) -> bool:
    signed = f"{_canonical(facts)}:{signature}"
    try:
        _signer().unsign(signed)
    except BadSignature:
        return False
    return True


def _signer() -> Signer:
    return Signer(salt=_SIGNER_SALT)


def _canonical(facts: dict) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))
