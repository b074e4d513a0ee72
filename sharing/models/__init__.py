"""Pharmacies, what a patient shares with one of them, the delivery of it, and the words exchanged."""

from sharing.models.deliveries import Delivery, DeliveryQuerySet, Heartbeat, Route
from sharing.models.inbound import InboundMail, InboxPlace
from sharing.models.pharmacies import DirectoryCopy, Mailbox, PatientPharmacy, Pharmacy, PharmacyMember
from sharing.models.shares import (
    Share,
    ShareEvent,
    ShareQuerySet,
    ThreadFile,
    ThreadMessage,
    as_receipt,
    new_receipt,
    new_token,
)

__all__ = [
    "Delivery",
    "DeliveryQuerySet",
    "DirectoryCopy",
    "Heartbeat",
    "InboundMail",
    "InboxPlace",
    "Mailbox",
    "PatientPharmacy",
    "Pharmacy",
    "PharmacyMember",
    "Route",
    "Share",
    "ShareEvent",
    "ShareQuerySet",
    "ThreadFile",
    "ThreadMessage",
    "as_receipt",
    "new_receipt",
    "new_token",
]
