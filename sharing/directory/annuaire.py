"""The Annuaire Santé FHIR API, version 2: `Organization` searched page after page. Read only, with an API key.

Its documentation: pages of 50, thirty seconds at most for an answer, errors as OperationOutcome, changes told for 30
days (`_lastUpdated`). The key goes to the address that was given and nowhere else, never in clear over a network.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

SECTORS = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"
PHARMACY_SECTORS = ("SA33", "SA38", "SA39", "SA65")
PAGE = 50
MOST_PAGES = 5_000
MOST_BYTES = 20_000_000  # of one page
TRIES = 4
LONGEST_WAIT = 60  # seconds, whatever the server asks for


class AnnuaireTrouble(Exception):
    """`code` is stable: not-configured, key-refused, refused, busy, down, no-answer, not-fhir, elsewhere, endless."""

    def __init__(self, code: str, *, is_permanent: bool = False):
        super().__init__(code)
        self.code, self.is_permanent = code, is_permanent


class _NoRedirect(HTTPRedirectHandler):
    """A redirection would carry the key elsewhere."""

    def redirect_request(self, *args, **kwargs):
        return None


@dataclass(frozen=True)
class Annuaire:
    """`base`: https://gateway.api.esante.gouv.fr/fhir/v2. `wait` takes seconds between two tries."""

    base: str
    key: str
    timeout: float = 30
    wait: Callable[[float], object] = time.sleep

    def pharmacies(self, *, with_mailbox: bool = False, since: date | None = None) -> Iterator[tuple[list[dict], int]]:
        """Each page: its Organization resources as they came, and how many there are in all (0: not said).

        Open and closed ones. Raises AnnuaireTrouble, at any page.
        """
        asked = {"type": ",".join(f"{SECTORS}|{code}" for code in PHARMACY_SECTORS), "_count": PAGE}
        if with_mailbox:
            asked["mailbox-mss:contains"] = "@"
        if since:
            asked["_lastUpdated"] = f"ge{since:%Y-%m-%d}"
        if not self.key or not self.base:
            raise AnnuaireTrouble("not-configured", is_permanent=True)
        yield from self._pages(f"{self.base.rstrip('/')}/Organization?{urlencode(asked)}")

    def _pages(self, address: str | None) -> Iterator[tuple[list[dict], int]]:
        seen: set[str] = set()
        while address:
            if address in seen or len(seen) >= MOST_PAGES:
                raise AnnuaireTrouble("endless", is_permanent=True)
            seen.add(address)
            bundle = self._bundle(address)
            entries = [entry.get("resource") for entry in _dicts(bundle.get("entry"))]
            found = [one for one in _dicts(entries) if one.get("resourceType") == "Organization"]
            total = bundle.get("total")
            yield found, total if isinstance(total, int) else 0
            address = self._next(bundle, address)

    def _next(self, bundle: dict, here: str) -> str | None:
        told = (one.get("url") for one in _dicts(bundle.get("link")) if one.get("relation") == "next")
        address = next(told, None)
        if not isinstance(address, str) or not address:
            return None
        address = urljoin(here, address)
        if urlsplit(address)[:2] != urlsplit(self.base)[:2]:
            raise AnnuaireTrouble("elsewhere", is_permanent=True)
        return address

    def _bundle(self, address: str) -> dict:
        content = self._fetched(address)
        try:
            bundle = json.loads(content)
        except (ValueError, RecursionError):
            raise AnnuaireTrouble("not-fhir", is_permanent=True) from None
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            raise AnnuaireTrouble("not-fhir", is_permanent=True)
        return bundle

    def _fetched(self, address: str) -> bytes:
        """Tried again when the trouble may pass: busy, down, no answer."""
        for left in reversed(range(TRIES)):
            try:
                return self._once(address)
            except _Passing as passing:
                if not left:
                    raise AnnuaireTrouble(passing.code) from None
                self.wait(min(passing.wait or 2.0 ** (TRIES - left), LONGEST_WAIT))
        raise AssertionError("unreachable")

    def _once(self, address: str) -> bytes:
        headers = {"ESANTE-API-KEY": self.key, "Accept": "application/fhir+json"}
        request = Request(address, headers=headers)  # noqa: S310 - checked by `_opener`
        try:
            with _opener(address).open(request, timeout=self.timeout) as answer:
                content = answer.read(MOST_BYTES + 1)
                is_cut = bool(answer.length) and len(content) <= MOST_BYTES
        except HTTPError as error:
            error.close()
            raise _understood(error) from None
        except (OSError, HTTPException):  # URLError, timeouts, a connection cut in the middle
            raise _Passing("no-answer") from None
        if is_cut:
            raise _Passing("no-answer")
        if len(content) > MOST_BYTES:
            raise AnnuaireTrouble("not-fhir", is_permanent=True)
        return content


class _Passing(Exception):
    def __init__(self, code: str, wait: float = 0):
        super().__init__(code)
        self.code, self.wait = code, wait


def _understood(error: HTTPError) -> Exception:
    if error.code == 429:
        asked = error.headers.get("Retry-After", "")
        return _Passing("busy", float(asked) if asked.isdigit() else 0)
    if error.code >= 500:
        return _Passing("down")
    if error.code in {401, 403}:
        return AnnuaireTrouble("key-refused", is_permanent=True)
    return AnnuaireTrouble("elsewhere" if error.code < 400 else "refused", is_permanent=True)


def _opener(address: str) -> OpenerDirector:
    parts = urlsplit(address)
    is_here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
    if parts.scheme != "https" and not is_here:
        raise AnnuaireTrouble("not-configured", is_permanent=True)
    return build_opener(_NoRedirect)


def _dicts(value) -> list[dict]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
