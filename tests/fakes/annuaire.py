"""A server that speaks the pages of the Annuaire Santé API, version 2, over real HTTP. Shapes: its published examples.

`behave(turn)` may answer instead of a page: a status, (status, headers), bytes sent as they are, "drop" or "hang".
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from sharing.directory.annuaire import SECTORS

KEY = "fictitious-key"
PAGE = 3
TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL"
MAIL_KINDS = "https://mos.esante.gouv.fr/NOS/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie"
EMAIL_TYPE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type"
METADATA = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
IDENTIFIERS = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
STREET = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-"


def mailbox(address: str, *, kind: str = "ORG", red: bool | None = None, service: str = "", rank: int = 0) -> dict:
    about = [
        {"url": "type", "valueCodeableConcept": {"coding": [{"system": TYPES, "code": kind}]}},
        {"url": "digitization", "valueBoolean": True},
    ]
    about += [{"url": "service", "valueString": service}] if service else []
    about += [{"url": "listeRouge", "valueBoolean": red}] if red is not None else []
    extensions = [
        {"url": EMAIL_TYPE, "valueCoding": {"system": MAIL_KINDS, "code": "MSSANTE"}},
        {"url": METADATA, "extension": about},
    ]
    return {"extension": extensions, "system": "email", "value": address} | ({"rank": rank} if rank else {})


def contact(address: str) -> dict:
    """An ordinary e-mail address beside the mailbox."""
    return {"system": "email", "value": address}


def organization(finess: str, *telecom: dict, name: str = "PHARMACIE DU MARCHE", sector="SA33", **facts) -> dict:
    coded = {"coding": [{"system": IDENTIFIERS, "code": facts.pop("identifier", "FINEG")}]}
    return {
        "resourceType": "Organization",
        "id": f"001-{finess}",
        "identifier": [
            {"use": "official", "system": "urn:oid:1.2.250.1.71.4.2.2", "value": f"1{finess}"},
            {"type": coded, "system": "https://finess.esante.gouv.fr", "value": finess},
        ],
        "active": True,
        "type": [{"coding": [{"system": SECTORS, "code": sector}]}],
        "name": name,
        "telecom": [{"system": "phone", "value": "0465711234", "rank": 1}, *telecom],
        "address": [
            {
                "line": ["12 PL DE LA POSTE"],
                "_line": [
                    {
                        "extension": [
                            {"url": STREET + "houseNumber", "valueString": "12"},
                            {"url": STREET + "streetNameType", "valueString": "PL"},
                            {"url": STREET + "streetNameBase", "valueString": "DE LA POSTE"},
                        ]
                    }
                ],
                "city": "69003 LYON",
                "postalCode": "69003",
            }
        ],
    } | facts


class AnnuaireServer:
    """`with AnnuaireServer(organizations) as server:` answers at `server.base`. `asked`: the queries it was asked."""

    def __init__(self, organizations: list[dict], behave: Callable[[int], object] = lambda turn: None):
        self.organizations, self.behave = organizations, behave
        self.asked: list[dict[str, list[str]]] = []
        self.turns = 0
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (_Pages,), {"annuaire": self}))
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}/fhir/v2"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def bundle(self, query: dict[str, list[str]]) -> dict:
        start = int(query.get("from", ["0"])[0])
        found = self.organizations[start : start + PAGE]
        links = [{"relation": "self", "url": f"{self.base}/Organization"}]
        if start + PAGE < len(self.organizations):
            links.insert(0, {"relation": "next", "url": f"{self.base}/_page?{urlencode({'from': start + PAGE})}"})
        return {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(self.organizations),
            "entry": [{"fullUrl": f"{self.base}/Organization/{one['id']}", "resource": one} for one in found],
            "link": links,
        }


class _Pages(BaseHTTPRequestHandler):
    annuaire: AnnuaireServer

    def do_GET(self):
        server = self.annuaire
        server.turns += 1
        server.asked.append(parse_qs(urlsplit(self.path).query))
        if self.headers.get("ESANTE-API-KEY") != KEY:
            return self._say(401)
        told = server.behave(server.turns)
        if told is None:
            return self._say(200, json.dumps(server.bundle(server.asked[-1])).encode())
        if isinstance(told, bytes):
            return self._say(200, told)
        if told == "hang":
            server.stopping.wait(30)
        elif told == "drop":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"{")
        else:
            status, headers = told if isinstance(told, tuple) else (told, {})
            return self._say(status, b'{"resourceType": "OperationOutcome"}', headers)
        return None

    def _say(self, status: int, content: bytes = b"", headers: dict | None = None) -> None:
        with suppress(OSError):  # whoever asked has gone
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_):
        pass
