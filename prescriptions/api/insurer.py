"""For the insurer: prescription, dispensings and invoices in one place; duplicates; the patient's objection.

Each answer is written out in one literal; the serializers say its shape in the documentation.
"""

import binascii
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api import Unfit
from portal.api_access import for_software
from portal.api_fields import BoundedJSON
from portal.crypto import CannotDecrypt, seal, unseal
from prescriptions import insurer, objecting, words
from prescriptions import numbers as numbering
from prescriptions.api import insurer_docs, insurer_shapes
from prescriptions.intake import duplicates


class InsurerView(APIView):
    parser_classes = [BoundedJSON]
    permission_classes = [for_software("registry.check", "insurer")]

    def fields(self, shape, data) -> dict:
        given = shape(data=data)
        given.is_valid(raise_exception=True)
        return given.validated_data


class Check(InsurerView):
    @insurer_docs.CHECK
    def post(self, request):
        asked = self.fields(insurer_shapes.Numbers, request.data)["numbers"]
        found = insurer.check(asked=asked, by=request.user)
        return _answer({"prescriptions": [checked(item) for item in found]})


class Duplicates(InsurerView):
    @insurer_docs.DUPLICATES
    def get(self, request):
        given = self.fields(insurer_shapes.Window, request.query_params.dict())
        window = f"{given['from']}.{given['to']}"
        after = _opened(given["_after"], window) if given["_after"] else None
        found, last = duplicates.read(
            start=given["from"], end=given["to"], after=after, count=given["_count"], by=request.user
        )
        return _answer(
            {
                "duplicates": [duplicate(pair, reader=request.user) for pair in found],
                "next": _next(request, _sealed(last, window)) if last else None,
            }
        )


class Opposition(InsurerView):
    permission_classes = [for_software("opposition.write", "insurer")]

    @insurer_docs.OPPOSITION
    def post(self, request):
        given = self.fields(insurer_shapes.Objection, request.data)
        if reason := numbering.why_not_ins(given["ins"]):
            raise Unfit(reason.code, reason.sentence, "ins")
        try:
            done = objecting.record_objection(
                ins=given["ins"],
                oid=given["oid"],
                opposed=given["opposed"],
                numbers_given=given["numbers"],
                since=given["since"],
                by=request.user,
            )
        except objecting.NumberUnknown as unknown:
            raise Unfit(unknown.reason.code, unknown.reason.sentence, f"numbers[{unknown.place}]") from unknown
        counts = {"concerned": done.concerned, "changed": done.changed}
        return _answer({"opposed": given["opposed"], "since": _day(done.since)} | counts)


def _answer(body: dict) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"})


# --- Paging: the last patient of the page, sealed, because a patient's id is nobody's business outside ----------------


def _sealed(last: UUID, window: str) -> str:
    return seal(last.bytes, bound_to=f"duplicates.{window}")


def _opened(cursor: str, window: str) -> UUID:
    try:
        return UUID(bytes=unseal(cursor, bound_to=f"duplicates.{window}"))
    except (CannotDecrypt, binascii.Error, ValueError) as error:
        sentence = _("Reprenez l’adresse « next » de la page précédente, sans la changer.")
        raise Unfit("cursor-invalid", sentence, "_after") from error


def _next(request, cursor: str) -> str:
    params = request.query_params.copy()
    params["_after"] = cursor
    return f"{request.build_absolute_uri(request.path)}?{params.urlencode()}"


# --- What is answered -------------------------------------------------------------------------------------------------


def checked(item: insurer.Checked) -> dict:
    prescription = item.prescription
    if prescription is None:
        return {"number": item.number, "found": False}
    return {
        "number": item.number,
        "found": True,
        "standing": words.standing(prescription).code,
        "authored_on": _day(prescription.authored_on),
        "valid_until": _day(prescription.valid_until),
        "first_dispensing_before": _day(prescription.first_dispensing_before),
        "cancelled_at": _moment(prescription.cancelled_at),
        "replaced_by": prescription.replaced_by.number if hasattr(prescription, "replaced_by") else None,
        "prescriber_rpps": prescription.prescriber.rpps,
        "flags": prescription.flags,
        "lines": [line_of(line) for line in prescription.lines.all()],
        "dispensings": [dispensing_of(told) for told in prescription.dispensings.all()],
        "anomalies": [
            {
                "code": anomaly.code,
                "sentence": anomaly.sentence,
                "dispensing": str(anomaly.dispensing_id) if anomaly.dispensing_id else None,
                "line": anomaly.line,
            }
            for anomaly in item.anomalies
        ],
    }


def line_of(line) -> dict:
    return {
        "line": line.position,
        "kind": line.kind,
        "name": line.name,
        "codes": line.codes,
        "quantity": float(line.quantity) if line.quantity is not None else None,
        "quantity_unit": line.quantity_unit,
        "duration_days": line.duration_days,
        "renewals": line.renewals,
        "no_substitution": line.no_substitution,
        "flags": line.flags,
    }


def dispensing_of(told) -> dict:
    return {
        "id": str(told.pk),
        "pharmacy_finess": told.pharmacy_finess,
        "dispensed_at": _moment(told.dispensed_at),
        "billing_reference": told.billing_reference,
        "undone_at": _moment(told.undone_at),
        "lines": [
            {
                "line": line.line.position,
                "cip13": line.cip13,
                "boxes": line.quantity,
                "completeness": line.completeness,
                "substitution": line.substitution,
                "not_dispensed_reason": line.not_dispensed_reason,
            }
            for line in told.lines.all()
        ],
    }


def duplicate(pair: duplicates.Duplicate, *, reader) -> dict:
    return {
        "patient": duplicates.pseudonym(pair.later.prescription.patient_id, reader=reader),
        "medicine": {"name": pair.later.line.name, "codes": pair.later.line.codes},
        "overlap": {"from": _day(pair.starts), "to": _day(pair.ends), "days": (pair.ends - pair.starts).days + 1},
        "earlier": treatment(pair.earlier),
        "later": treatment(pair.later),
        "dispensed_twice": pair.is_dispensed_twice,
    }


def treatment(one: duplicates.Treatment) -> dict:
    return {
        "number": one.prescription.number,
        "line": one.line.position,
        "authored_on": _day(one.prescription.authored_on),
        "from": _day(one.starts),
        "to": _day(one.ends),
        "prescriber_rpps": one.prescription.prescriber.rpps,
        "dispensed": one.is_dispensed,
    }


def _day(day) -> str | None:
    return day.isoformat() if day else None


def _moment(at) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
