"""What a patient has answered so far on the way to sending a prescription. Sealed in the session, never in a URL."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from portal import crypto
from portal.idempotency import new_key
from prescriptions.models import Prescription
from sharing.models import Pharmacy, Share

SESSION = "share-drafts"
AT_MOST = 5  # drafts in one session


@dataclass(frozen=True)
class ShareDraft:
    """Texts, ready for JSON. `moves`: the share it replaces; `share`: the one it became.

    `key` is the one-time key on the check page. Any change makes a new one: what is sent is what was checked.
    """

    pharmacy: str = ""
    message: str = ""
    wished_at: str = ""
    moves: str = ""
    share: str = ""
    message_asked: bool = False
    key: str = field(default_factory=new_key)

    def wished(self) -> datetime | None:
        return datetime.fromisoformat(self.wished_at) if self.wished_at else None

    def to(self, pharmacy: Pharmacy, moves: Share | None) -> "ShareDraft":
        earlier = ShareDraft() if self.share else self
        return replace(earlier, pharmacy=str(pharmacy.pk), moves=str(moves.pk) if moves else "", key=new_key())

    def saying(self, message: str, wished_at: datetime | None) -> "ShareDraft":
        when = wished_at.isoformat() if wished_at else ""
        return replace(self, message=message, wished_at=when, message_asked=True, key=new_key())

    def sent(self, share: Share) -> "ShareDraft":
        """Only what a second press of the button needs; the words are in the share now."""
        return ShareDraft(share=str(share.pk), key=self.key)


def load(request, prescription: Prescription) -> ShareDraft:
    sealed = request.session.get(SESSION, {}).get(str(prescription.pk))
    if sealed is None:
        return ShareDraft()
    try:
        return ShareDraft(**json.loads(crypto.unseal(sealed, bound_to=_place(request, prescription))))
    except crypto.CannotDecrypt:  # the key is gone: asked again
        return ShareDraft()


def save(request, prescription: Prescription, draft: ShareDraft) -> None:
    drafts = request.session.get(SESSION, {})
    drafts.pop(str(prescription.pk), None)
    sealed = crypto.seal(json.dumps(asdict(draft)).encode(), bound_to=_place(request, prescription))
    kept = list(drafts.items())[1 - AT_MOST :]
    request.session[SESSION] = dict([*kept, (str(prescription.pk), str(sealed))])


def _place(request, prescription: Prescription) -> str:
    return f"session.share-draft.{request.user.pk}.{prescription.pk}"
