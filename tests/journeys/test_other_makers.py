"""From Alice's share to her screen again, through programs of other makers: Exim, Dovecot, the pharmacy's software."""

import json
import subprocess
import sys
from time import monotonic

import pytest

from sharing import actions, delivery, sweep
from sharing.models import InboundMail
from tests import real_operator

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PATIENCE = 20
SOFTWARE = real_operator.HERE / "pharmacy_software.py"


@pytest.fixture
def software(exim, market, tmp_path):
    """software("answer", "Bonjour") acts as the pharmacy's, and gives what it understood of the message."""
    address, known = market.mailbox.address, exim.certificates
    name = exim.mailbox_certificate(address)
    facts = {
        "address": address,
        "expected": 1,
        "imap_port": exim.imap_port,
        "smtp_port": exim.smtp_port,
        "ca": str(known.ca),
        "certificate": str(known.certificate(name)),
        "key": str(known.key(name)),
    }

    def run(*acts: str) -> dict:
        (tmp_path / "facts.json").write_text(json.dumps(facts))
        command = [sys.executable, "-I", SOFTWARE, tmp_path / "facts.json", *acts]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def screen(alice, client):
    client.force_login(alice)
    return lambda share: " ".join(client.get(f"/partages/{share.pk}/").content.decode().replace("\xa0", " ").split())


def follow(*reasons: str) -> None:
    """Reads what comes until these have, in whatever order."""
    known, until = set(), monotonic() + PATIENCE
    while not set(reasons) <= known:
        assert monotonic() < until, f"came: {known}"
        sweep.collect()
        known = set(InboundMail.objects.exclude(reason="").values_list("reason", flat=True))


def test_the_pharmacys_software_takes_it_in_reads_it_answers_and_ends_it(software, alice, market, prescription, screen):
    share = actions.share_prescription(
        prescription=prescription, pharmacy=market, message="Je passe ce soir.", by=alice
    )
    delivery.sweep_once()
    understood = software("processed")
    assert understood["subject"].startswith("XDM/1.0/DDM+Prescription de produits de santé MOREAU")
    assert (understood["documents"], understood["headers"]["X-MSS-CODECDA"]) == (["57833-6"], "57833-6")
    assert understood["return_path"] == share.patient.mss_address
    assert understood["patients"] == [share.patient.ins]
    assert (understood["pdf"], "Je passe ce soir." in understood["text"]) == ("%PDF-", True)
    follow("report-delivered", "report-processed")
    assert "Reçue par le logiciel de la pharmacie" in screen(share)

    software("displayed")
    follow("report-displayed")
    assert "La pharmacie l’a ouverte." in screen(share)

    software("answer", "Prête ce soir, voici <b>nos</b> conseils.")
    follow("answer")
    page = screen(share)
    assert "Prête ce soir, voici nos conseils." in page
    assert ">conseils.pdf</a>" in page
    assert "Envoyer" in page

    software("close", "À ce soir.")
    while InboundMail.objects.filter(reason="answer").count() < 2:
        follow("answer")
        sweep.collect()
    page = screen(share)
    assert "À ce soir." in page
    assert "La pharmacie a clos cette conversation." in page


def test_software_that_cannot_take_it_in_is_read_by_the_patient(software, alice, market, prescription, screen):
    share = actions.share_prescription(prescription=prescription, pharmacy=market, by=alice)
    delivery.sweep_once()
    software("error", "902", "Patient inconnu")
    follow("report-error")
    page = screen(share)
    assert "son logiciel n’a pas su l’ouvrir" in page
    assert "« Patient inconnu » (code 902)" in page
