"""Identifiers and times: the same rows always give the same."""

import uuid
from datetime import date, datetime, timedelta

from django.utils import timezone

from prescriptions.models import Prescription, PrescriptionLine


def document_oid(prescription: Prescription, name: str) -> str:
    """An OID under 2.25, where a UUID is a whole number (ITU-T X.667)."""
    return f"2.25.{uuid.uuid5(prescription.pk, name).int}"


def entry_id(owner, name: str) -> str:
    """`owner`: the row it is about."""
    return str(uuid.uuid5(owner.pk, name)).upper()


def line_id(line: PrescriptionLine) -> str:
    """By which a pharmacy's report points at the line that it delivers."""
    return entry_id(line, "line")


def day(value: date) -> str:
    return f"{value:%Y%m%d}"


def last_day(first: date, days: int) -> date:
    return first + timedelta(days=days - 1)


def moment(value: datetime) -> str:
    return f"{timezone.localtime(value):%Y%m%d%H%M%S%z}"


def written_at(prescription: Prescription) -> str:
    """When it was written: the moment it was filed if that is the same day, else the day alone."""
    if timezone.localdate(prescription.created_at) == prescription.authored_on:
        return moment(prescription.created_at)
    return day(prescription.authored_on)
