"""Organisational mailboxes put beside their pharmacies, and ranked when there are several.

The rank, the first difference deciding:
1. the rank the directory itself gives (Annuaire Santé, `telecom.rank`; the extraction gives none);
2. the mailbox of the whole pharmacy before that of a service, the counter or the secretariat before the others,
   what is not there all day (back room, on-call) last;
3. one that takes documents without paper (« Dématérialisation »);
4. one of this pharmacy alone before one that several pharmacies share;
5. the alphabet, so that the same files always give the same rank.
"""

import re
from collections import Counter
from dataclasses import replace

from sharing.directory.finess import Stock, number_of
from sharing.directory.listed import Listed, said
from sharing.directory.words import all_words_of, words_of

UNRANKED = 1_000
AT_THE_COUNTER = frozenset("comptoir accueil secretariat officine pharmacie ordonnance ordonnances".split())  # noqa: SIM905
NOT_ALL_DAY = frozenset("preparatoire preparation garde astreinte orthopedie pui test".split())  # noqa: SIM905


class Boxes:
    """`find` whose each mailbox is, `put` it, then `listed()`.

    Joined on the FINESS number of the establishment, else on its SIRET. A row with the number of a legal entity is
    left out: it may hold several establishments.
    """

    def __init__(self, stock: Stock):
        self.stock, self.counts = stock, Counter()
        self._ranks: dict[str, dict[str, tuple]] = {}
        self._signs: dict[str, str] = {}
        self._of_siret = _unique_sirets(stock)

    def put(
        self, finess: str, address: str, *, service="", is_paperless=False, sign="", rank: int | None = None
    ) -> bool:
        """False when this pharmacy already has this address (the best of their ranks is kept)."""
        known = self._ranks.setdefault(finess, {})
        is_new = address not in known
        self.counts["rows_repeated"] += not is_new
        here = (rank or UNRANKED, _service_rank(service), not is_paperless)
        known[address] = min(here, known.get(address, here))
        if sign:
            self._signs.setdefault(finess, sign)
        return is_new

    def find(self, structure: str) -> str | None:
        """FINESS of the pharmacy with this number; None, and counted, when it is none of ours.

        « 1 » before a FINESS number and « 3 » before a SIRET are how the CI-SIS writes both in one field.
        """
        plain = re.sub(r"[^0-9A-Z]", "", structure.upper())
        if len(plain) in {10, 15} and plain[0] == {10: "1", 15: "3"}[len(plain)]:
            plain = plain[1:]
        finess = self._of_siret.get(plain) if len(plain) == 14 else number_of(plain)
        if finess in self.stock.pharmacies:
            return finess
        self.counts[self._why_not(plain, finess)] += 1
        return None

    def _why_not(self, plain: str, finess: str | None) -> str:
        if not plain:
            return "of_no_structure"
        if finess in self.stock.legal_entities:
            return "of_a_legal_entity"
        if finess in self.stock.others or len(plain) == 14:
            return "of_other_establishments"
        return "of_unknown_establishments"

    def listed(self) -> list[Listed]:
        """Every pharmacy, with its mailboxes in their rank."""
        uses = Counter(address for ranks in self._ranks.values() for address in ranks)
        self.counts["mailboxes_shared"] = sum(count > 1 for count in uses.values())
        return [self._with_mailboxes(pharmacy, uses) for pharmacy in self.stock.pharmacies.values()]

    def _with_mailboxes(self, pharmacy: Listed, uses: Counter) -> Listed:
        ranks = self._ranks.get(pharmacy.finess, {})
        if not ranks:
            return pharmacy
        ordered = sorted(ranks, key=lambda address: (*ranks[address], uses[address] > 1, address))
        return replace(pharmacy, mailboxes=tuple(ordered), sign=self._sign_of(pharmacy))

    def _sign_of(self, pharmacy: Listed) -> str:
        sign = said(self._signs.get(pharmacy.finess, "")) or pharmacy.sign
        return "" if set(words_of(sign)) <= set(words_of(pharmacy.name)) else sign[:160]


def _unique_sirets(stock: Stock) -> dict[str, str]:
    """A SIRET that two establishments give tells neither."""
    uses = Counter(pharmacy.siret for pharmacy in stock.pharmacies.values())
    return {one.siret: one.finess for one in stock.pharmacies.values() if one.siret and uses[one.siret] == 1}


def _service_rank(service: str) -> int:
    words = set(all_words_of(service))
    if not words:
        return 0
    if words & NOT_ALL_DAY:
        return 3
    return 1 if words & AT_THE_COUNTER else 2
