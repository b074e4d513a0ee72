"""Software of other makers, as it stands outside: a registered key, a token, and HTTP."""

import json
import secrets
import time
from urllib.parse import urlencode

import jwt

from portal import software

TOKEN_URL = "http://127.0.0.1:8000/api/token/"


def assertion(installation, pem, **changes) -> str:
    now = int(time.time())
    claims = {
        "iss": str(installation.pk),
        "sub": str(installation.pk),
        "aud": TOKEN_URL,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(8),
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, pem, algorithm="ES256")


class Program:
    """One installation that asks for its token and speaks FHIR over the test client."""

    def __init__(self, web, *, kind: str, finess: str, name: str = "LogiTest"):
        self.web = web
        self.installation, self.pem = software.register_client(
            kind=kind, name=name, structure_finess=finess, by="system:test"
        )
        self.token = self._ask_token()

    def _ask_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": software.ASSERTION_TYPE,
            "client_assertion": assertion(self.installation, self.pem),
        }
        answer = self.web.post("/api/token/", urlencode(form), content_type="application/x-www-form-urlencoded")
        return answer.json()["access_token"]

    def _send(self, method: str, path: str, data=None, **headers):
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        kind = headers.pop("content_type", "application/fhir+json")
        more = {
            "headers": {"Authorization": f"Bearer {self.token}", "Accept": "application/fhir+json, application/json"}
            | headers
        }
        if method == "get":
            return self.web.get(path, data or {}, **more)
        return getattr(self.web, method)(path, body, content_type=kind, **more)

    def get(self, path: str, params=None, **headers):
        return self._send("get", path, params, **headers)

    def post(self, path: str, data, **headers):
        return self._send("post", path, data, **headers)

    def put(self, path: str, data, **headers):
        return self._send("put", path, data, **headers)


INS_TEST = "urn:oid:1.2.250.1.213.1.4.10"
NUMBER = "urn:oid:1.2.250.1.215.500.1.1"
ANSM = "http://data.esante.gouv.fr/ansm/medicament/"


def amoxicillin(**changes) -> dict:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": f"{ANSM}Presentation", "code": "3400932320974"}],
            "text": "AMOXICILLINE 1 g, comprimé dispersible",
        },
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {
                        "frequency": 2,
                        "period": 1,
                        "periodUnit": "d",
                        "boundsDuration": {
                            "value": 6,
                            "code": "d",
                            "unit": "jours",
                            "system": "http://unitsofmeasure.org",
                        },
                    }
                },
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "comprimé"}}],
            }
        ],
        "dispenseRequest": {"quantity": {"value": 1, "unit": "boîte"}},
    } | changes


def bundle(
    day: str,
    *requests: dict,
    number: str = "",
    ins: str,
    finess: str,
    rpps: str,
    certification="LAP-2026-0042",
    prior: str = "",
    opposed: bool = False,
) -> dict:
    """A deposit as prescribing software sends it: one prescription with everybody in it."""
    group = {"system": NUMBER, "value": number} if number else {"system": "urn:logitest", "value": "G-1"}
    entries = [
        {"resource": _patient(ins)},
        {"resource": _person(rpps)},
        {"resource": _place(finess)},
        {"resource": _role()},
    ]
    for request in requests or (amoxicillin(),):
        key = "requisition" if request["resourceType"] == "ServiceRequest" else "groupIdentifier"
        whole = request | {
            key: group,
            "subject": {"reference": "Patient/p"},
            "authoredOn": day,
            "requester": {"reference": "PractitionerRole/role"},
        }
        if prior:
            whole["priorPrescription"] = {"identifier": {"system": NUMBER, "value": prior}}
        entries.append({"resource": whole, "request": {"method": "POST", "url": request["resourceType"]}})
    if certification:
        entries.append({"resource": _provenance(certification)})
    if opposed:
        entries.append({"resource": {"resourceType": "Consent", "status": "active", "provision": {"type": "deny"}}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _patient(ins: str) -> dict:
    return {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": INS_TEST, "value": ins}],
        "name": [{"use": "official", "family": "DURAND", "given": ["Camille"]}],
        "gender": "female",
        "birthDate": "1979-03-12",
    }


def _person(rpps: str) -> dict:
    return {
        "resourceType": "Practitioner",
        "id": "doc",
        "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": rpps}],
        "name": [{"family": "Rousseau", "given": ["Emma"], "prefix": ["Dr"]}],
        "telecom": [
            {"system": "phone", "value": "+33 1 99 00 12 34"},
            {"system": "email", "value": "emma@cabinet.test"},
        ],
    }


def _place(finess: str) -> dict:
    return {
        "resourceType": "Organization",
        "id": "place",
        "name": "Cabinet des Lilas",
        "identifier": [{"system": "https://finess.esante.gouv.fr", "value": finess}],
        "address": [{"line": ["1 rue des Lilas"], "postalCode": "69003", "city": "Lyon"}],
    }


def _role() -> dict:
    return {
        "resourceType": "PractitionerRole",
        "id": "role",
        "practitioner": {"reference": "Practitioner/doc"},
        "organization": {"reference": "Organization/place"},
        "code": [{"coding": [{"code": "10"}]}],
        "specialty": [{"coding": [{"code": "SM54"}], "text": "médecine générale"}],
    }


def _provenance(certification: str) -> dict:
    return {
        "resourceType": "Provenance",
        "recorded": "2026-11-23T10:00:00+01:00",
        "agent": [{"type": {"coding": [{"code": "assembler"}]}, "who": {"identifier": {"value": certification}}}],
    }
