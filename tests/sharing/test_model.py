"""Alice shares, everybody does what they may at any moment, anything breaks: no illegal state is ever reached.

A stateful model (Hypothesis) against the real code on PostgreSQL, with a real mail server that misbehaves. Each step is
one act of one of them; after each, everything that model_world.py checks must hold. Short here; as long as wanted by

    MODEL_STEPS=10000 python -m tests.servers python -m pytest tests/sharing/test_model.py -n 0 -s \\
        -o faulthandler_timeout=0
"""

import os
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from portal.clock import db_now
from portal.reasons import Refused
from prescriptions import actions as registry
from prescriptions.dispensing import Handed
from prescriptions.files import documents
from prescriptions.models import Dispensing, Prescription
from sharing import actions, delivery, mssante, outbox, policies, reconciliation
from sharing.actions import Answer
from sharing.demo import dsn
from sharing.models import Delivery, Share, ShareEvent
from sharing.states import IN_TROUBLE
from sharing.states import DeliveryStatus as D
from sharing.states import ShareStatus as S
from tests import factories
from tests.sharing import model_world
from tests.sharing.model_story import FAULTS, REPLIES, WAITS, Story
from tests.sharing.model_world import Flight, World
from tests.sharing.test_inbound import answer
from tests.sharing.test_receipts import receipt

STEPS = int(os.environ.get("MODEL_STEPS", "0"))  # 0: the short form
STEPS_A_STORY = 40
one = st.integers(0, 5)  # which of them; the last is followed by the first


class AnyStory(Story):
    # --- The patient ------------------------------------------------------------------------------------------------
    @initialize(which=one)
    def the_first_share(self, which):
        self.shares(which, 0, "")

    @rule(which=one, place=one, key=st.sampled_from(["", "a", "b"]))
    def shares(self, which, place, key):
        prescription = self.prescription_of(which)
        pharmacy = self.of(self.world.pharmacies, place)
        facts = {"prescription": prescription, "pharmacy": pharmacy, "by": self.world.alice}
        key = key and f"{key}{prescription.pk}{pharmacy.pk}"
        known = self.keys.get(key)
        reason = None if known else policies.why_not_share(prescription, pharmacy)
        made = self.act(reason, lambda: actions.share_prescription(**facts, key=key))
        assert not known or made.pk == known
        if key and made:
            self.keys[key] = made.pk

    @rule(which=one, place=one)
    def moves_elsewhere(self, which, place):
        share, pharmacy = self.share_of(which), self.of(self.world.pharmacies, place)
        reason = policies.why_not_move(share, S.REVOKED) or policies.why_not_send(share.prescription)
        self.act(reason, lambda: actions.move_share(share=share, pharmacy=pharmacy, by=self.world.alice))

    @rule(which=one)
    def takes_back(self, which):
        share = self.share_of(which)
        reason = policies.why_not_move(share, S.REVOKED)
        self.act(reason, lambda: actions.revoke_share(share=share, by=self.world.alice))

    @rule(which=one)
    def writes(self, which):
        share = self.share_of(which)
        reason = policies.why_not_write(share)
        self.act(reason, lambda: actions.post_message(share=share, text="Je passe ce soir.", by=self.world.alice))

    # --- The pharmacy -----------------------------------------------------------------------------------------------
    @rule(which=one)
    def opens(self, which):
        actions.open_share(share=self.share_of(which), by=self.world.chloe)

    @rule(which=one, status=st.sampled_from([None, *REPLIES]), text=st.sampled_from(["", "Demain midi."]))
    def replies(self, which, status, text):
        share = self.share_of(which)
        refusal = Share.Refusal.OUT_OF_STOCK if status == S.REFUSED else ""
        missing = "Une boîte" if status == S.PARTIALLY_READY else ""
        said = Answer(status=status, text=text, refusal=refusal, missing=missing)
        reason = policies.why_not_reply(share, said)
        door = ShareEvent.Door.DESK
        self.act(reason, lambda: actions.record_reply(share=share, answer=said, door=door, by=self.world.chloe))

    @rule(which=one, last=st.booleans(), automatic=st.booleans())
    def answers_by_mail(self, which, last, automatic):
        headers = {"X_MSS_MES": "FIN" if last else "", "Auto_Submitted": "auto-replied" if automatic else ""}
        self.comes_in(answer(self.share_of(which), Message_ID=f"<{next(self.numbers)}@p.test>", **headers).as_bytes())

    @rule(which=one, place=one, boxes=st.integers(1, 3), whole=st.booleans(), key=st.sampled_from(["", "k"]))
    def dispenses(self, which, place, boxes, whole, key):
        prescription = self.prescription_of(which)
        pharmacy = self.of(self.world.pharmacies, place)
        item = Handed(line=prescription.lines.get(), quantity=boxes, complete=whole, override_reason="Départ en voyage")
        facts = {"pharmacy_finess": pharmacy.finess, "pharmacy_name": pharmacy.name, "dispensed_at": timezone.now()}
        try:
            with transaction.atomic():
                registry.record_dispensing(
                    prescription=prescription, lines=[item], key=key, by=self.world.chloe, **facts
                )
        except Refused:
            return  # why: the rules' own tests; here it is what was accepted that counts

    @rule(which=one)
    def undoes(self, which):
        done = self.of(Dispensing.objects.order_by("-created_at"), which)
        if done is None:
            return
        try:
            with transaction.atomic():
                registry.undo_dispensing(
                    dispensing=done, pharmacy_finess=done.pharmacy_finess, reason="Erreur", by=self.world.chloe
                )
        except Refused:
            return

    # --- The prescriber ---------------------------------------------------------------------------------------------
    @rule(which=one)
    def cancels(self, which):
        prescription = self.prescription_of(which)
        reason = registry._why_not_cancel(prescription, "Erreur")
        self.act(
            reason,
            lambda: registry.cancel_prescription(prescription=prescription, reason="Erreur", by=self.world.emma),
        )

    @rule(which=one)
    def replaces(self, which):
        old = self.prescription_of(which)
        new = Prescription.objects.get(pk=self.world.spare.pk)
        if new.replaces_id is None:
            reason = registry._why_not_replace(old, new)
            self.act(
                reason, lambda: registry.replace_prescription(prescription=old, replacement=new, by=self.world.emma)
            )

    # --- The workers ------------------------------------------------------------------------------------------------
    @rule(fault=st.sampled_from(FAULTS))
    def delivers(self, fault):
        self.world.asked[0] = fault
        before = len(self.world.sink.accepted)
        status = delivery.deliver()
        taken = self.world.sink.accepted[before:]
        if taken and status != D.SENT:
            [row] = Delivery.objects.filter(message_id=taken[0].message_id)
            self.memory.in_doubt[row.pk] += 1

    @rule()
    def claims(self):
        claimed = outbox.claim()
        if claimed:
            self.flights.append(Flight(claimed))

    @precondition(lambda self: self.flights)
    @rule(which=one, fault=st.sampled_from(FAULTS))
    def sends(self, which, fault):
        flight = self.of(self.flights, which)
        if flight.outcome is None:
            self.world.asked[0] = fault
            row, before = flight.claimed.delivery, len(self.world.sink.accepted)
            flight.outcome = mssante.send(
                envelope_from=row.envelope_from, envelope_to=row.envelope_to, content=row.content, envid=row.envid
            )
            flight.arrived = len(self.world.sink.accepted) > before

    @precondition(lambda self: any(flight.outcome for flight in self.flights))
    @rule(which=one)
    def settles(self, which):
        flight = self.of([flight for flight in self.flights if flight.outcome], which)
        self.flights.remove(flight)
        status = delivery.settle(flight.claimed, flight.outcome)
        if flight.arrived and status != D.SENT:
            self.memory.in_doubt[flight.claimed.delivery.pk] += 1

    @precondition(lambda self: self.flights)
    @rule(which=one)
    def dies(self, which):
        flight = self.of(self.flights, which)
        self.flights.remove(flight)
        if flight.arrived:
            self.memory.in_doubt[flight.claimed.delivery.pk] += 1

    @rule(by=st.sampled_from(WAITS))
    def time_passes(self, by):
        self.go_on(by)

    @rule()
    def the_clerk_goes_round(self):
        self.go_round()

    @rule(which=one)
    def the_back_office_tries_again(self, which):
        row = self.of(Delivery.objects.filter(status__in=IN_TROUBLE).order_by("-created_at"), which)
        if row is None:
            return
        reason = policies.why_not_try_again(row, db_now())
        self.act(reason, lambda: delivery.try_again(delivery=row, by=self.world.dan))

    # --- What comes back --------------------------------------------------------------------------------------------
    def report(self, row: Delivery, action: str, envid: str) -> bytes:
        return dsn.compose(
            to=row.envelope_from,
            about=row.envelope_to,
            envid=envid,
            original=b"Subject: x\r\n\r\n",
            action=action,
            status={"failed": "5.1.1", "delayed": "4.4.1"}.get(action, "2.0.0"),
            by="mssante.test",
        )

    @rule(which=one, action=st.sampled_from(["delivered", "failed", "delayed"]))
    def a_report_comes(self, which, action):
        row = self.arrived(which)
        if row is None or action == "failed" and self.memory.copies(self.world, row) <= (row.pk in self.memory.there):
            return  # what is in the mailbox does not come back
        if action == "failed":
            self.memory.bounced[row.pk] += 1
        if action == "delivered" and self.memory.copies(self.world, row):
            self.memory.there.add(row.pk)
        waits = action == "failed" and row.status == D.SENDING
        assert self.comes_in(self.report(row, action, row.envid)) == ("" if waits else f"report-{action}")

    @rule(which=one)
    def it_was_read(self, which):
        row = self.arrived(which)
        if row is not None and self.memory.copies(self.world, row):
            self.memory.there.add(row.pk)
            content = receipt(row.share, message_id=row.message_id)
            self.comes_in(content.replace(b"<mdn@", b"<mdn%d@" % next(self.numbers)))

    @rule(which=one, action=st.sampled_from(["delivered", "failed", "read", "answer"]))
    def somebody_forges(self, which, action):
        """Who knows the share's pharmacy and receipt, but never held the message."""
        share = self.share_of(which)
        row = share.first_delivery
        before = self.picture()
        if action == "answer":
            content = answer(share, From="intrus@pharma.mssante.test", X_MSS_MES="FIN").as_bytes()
        elif action == "read":
            content = receipt(share, message_id=f"<{share.token}.0123456789abcdef@ordolien.test>")
        else:
            content = self.report(row, action, f"{share.token}.0123456789abcdef")
        assert self.comes_in(content) in {"report-unknown", "other-sender"}
        assert self.picture() == before

    # --- What must hold ---------------------------------------------------------------------------------------------
    @invariant()
    def nothing_illegal(self):
        type(self).steps += 1
        model_world.check(self.world, self.memory)

    @rule()
    def the_books_are_read(self):
        assert not any(n for name, n in reconciliation.counts().items() if name != "answers_not_understood_in_time")


# --- Told short in the suite, and long on demand --------------------------------------------------------------------
@pytest.fixture
def any_story(open_sink, alice, chloe, emma, dan, market):
    pharmacies = [market, factories.pharmacy()]
    world = World(made(), factories.prescription(), pharmacies, alice=alice, chloe=chloe, emma=emma, dan=dan)
    for prescription in [*world.prescriptions, world.spare]:
        documents.for_message(prescription)  # drawn once, not in each story
    world.lines = [line for prescription in world.prescriptions for line in prescription.lines.all()]
    world.sink = open_sink(world.behave)
    with connection.cursor() as cursor:
        cursor.execute(model_world.NOTE_EVERY_MOVE)
    return type("AnyStory", (AnyStory,), {"world": world})


def made() -> list[Prescription]:
    """Counted in boxes, renewable, and for a few days only."""
    return [
        factories.prescription(lines=[factories.amoxicillin(quantity=4, quantity_unit="boîtes")]),
        factories.prescription(lines=[factories.levothyrox()]),
        factories.prescription(lines=[factories.levothyrox()], valid_until=timezone.localdate() + timedelta(days=3)),
    ]


@pytest.mark.postgres
@pytest.mark.django_db
def test_no_story_reaches_an_illegal_state(any_story):
    long = {"max_examples": max(1, STEPS // STEPS_A_STORY), "database": None} if STEPS else {"max_examples": 10}
    run_state_machine_as_test(
        any_story,
        settings=hypothesis_settings(
            stateful_step_count=STEPS_A_STORY, suppress_health_check=list(HealthCheck), **long
        ),
    )
    print(f"{any_story.steps} steps")
