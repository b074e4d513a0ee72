"""What the registry adds to a code: one verdict for each thing that can have happened to a prescription."""

import io
import subprocess
import sys
from datetime import date, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image

from prescriptions.code import keys, qr
from prescriptions.models import SigningKey
from tests import factories

pytestmark = pytest.mark.django_db


def check(prescription):
    return qr.check(qr.text_of(prescription))


def test_a_code_just_made_is_authentic_and_in_force(prescription):
    verdict = check(prescription)
    assert (verdict.code, verdict.word, verdict.is_valid) == ("valid", "Authentique et en cours", True)
    assert verdict.offline
    assert verdict.online
    assert verdict.prescription_id == prescription.pk


def test_masked_a_number_is_unknown_and_a_code_is_still_authentic(prescription):
    """A number may be guessed; a code is held by whoever was given it, and forgery must show."""
    text = qr.text_of(prescription)
    type(prescription).objects.update(masked_at=timezone.now())
    assert qr.check(prescription.number).code == "unknown_number"
    assert qr.check(text).code == "valid"


def test_started_and_renewable_is_still_in_force(market):
    prescription = factories.prescription(lines=[factories.levothyrox()])
    factories.dispensing(prescription, market)
    assert check(prescription).code == "valid"


def test_exhausted(prescription, market):
    factories.dispensing(prescription, market)
    assert check(prescription).code == "exhausted"


def test_cancelled_comes_before_everything_else(prescription, market):
    factories.dispensing(prescription, market)
    text = qr.text_of(prescription)
    prescription.cancelled_at, prescription.cancelled_reason = timezone.now(), "erreur"
    prescription.save()
    assert qr.check(text).code == "cancelled"


def test_replaced(prescription):
    factories.prescription(replaces=prescription)
    assert check(prescription).code == "replaced"


def test_expired_says_since_when():
    verdict = check(factories.prescription(authored_on=date(2026, 1, 5), valid_until=date(2026, 2, 1)))
    assert (verdict.code, verdict.sentence) == ("expired", "Elle n’est plus valable depuis le 1er\xa0février 2026.")


def test_too_late_to_start_is_expired_too():
    verdict = check(factories.prescription(authored_on=timezone.localdate() - timedelta(days=200)))
    assert (verdict.code, verdict.sentence) == ("expired", "Son délai de première délivrance est passé.")


def test_it_expires_at_midnight_in_paris():
    prescription = factories.prescription(valid_until=date(2026, 12, 24), authored_on=date(2026, 11, 20))
    text = qr.text_of(prescription)
    with time_machine.travel("2026-12-24T23:59:59+01:00", tick=False):
        assert qr.check(text).code == "valid"
    with time_machine.travel("2026-12-25T00:00:00+01:00", tick=False):
        assert qr.check(text).code == "expired"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "AMOXICILLINE 1 g"},
        {"dosage_text": "2 gélules"},
        {"renewals": 9},
        {"duration_days": 60},
        {"quantity": 12},
        {"dosage": []},
        {"no_substitution": "MTE"},
    ],
)
def test_a_row_changed_behind_our_back_is_altered(prescription, change):
    text = qr.text_of(prescription)
    prescription.lines.update(**change)
    assert qr.check(text).code == "altered"


def test_what_may_change_afterwards_does_not_alter(prescription):
    text = qr.text_of(prescription)
    prescription.opposed, prescription.masked_at, prescription.comment = True, timezone.now(), "vu"
    prescription.save()
    assert qr.check(text).code == "valid"


def test_an_unknown_number_under_a_good_signature(prescription):
    text = qr.text_of(prescription)
    prescription.number = "01OTHERNUMBER00001"
    prescription.save()
    verdict = qr.check(text)
    assert (verdict.code, verdict.offline, verdict.online) == ("unknown_number", True, True)
    assert "bien signé" in verdict.sentence


def test_keys_unknown_and_revoked(prescription):
    text = qr.text_of(prescription)
    keys.revoke(kid=keys.signing_key().kid, by="system:test")
    assert qr.check(text).code == "revoked_key"
    SigningKey.objects.all().delete()
    assert qr.check(text).code == "unknown_key"


@pytest.mark.parametrize("text", ["", "bonjour", "https://example.org/", "HC1:NCFOXN", "A" * 5000])
def test_what_is_not_ours(text):
    verdict = qr.check(text)
    assert (verdict.code, verdict.offline, verdict.online) == ("not_ours", False, False)


# --- A typed number proves nothing ------------------------------------------------------------------------------------


def test_a_known_number_is_not_a_proof(prescription):
    spaced = " ".join([prescription.number[:4], prescription.number[4:].lower()])
    verdict = qr.check(spaced)
    assert (verdict.code, verdict.is_valid, verdict.offline, verdict.online) == ("number_known", False, False, True)
    assert "En cours" in verdict.sentence
    assert "seul le code QR prouve" in verdict.sentence


def test_a_known_number_says_what_stops_it(prescription, market):
    factories.dispensing(prescription, market)
    assert "entièrement délivrée" in qr.check(prescription.number).sentence


def test_a_number_the_registry_does_not_know(db):
    assert qr.check("01S2TBPZ2JCNZZYGHZ").code == "unknown_number"


def test_a_verdict_names_nobody(prescription):
    for verdict in [check(prescription), qr.check(prescription.number)]:
        said = f"{verdict!r} {verdict.word} {verdict.sentence}"
        assert not any(word in said for word in ["Moreau", "Alice", "Rousseau", "AMOXICILLINE", str(prescription.pk)])


# --- The drawing ------------------------------------------------------------------------------------------------------


def test_the_drawing_says_what_it_is_and_stays_crisp(prescription):
    drawing = qr.svg(qr.text_of(prescription))
    assert 'role="img"' in drawing
    assert "<title" in drawing
    assert 'shape-rendering="crispEdges"' in drawing
    side = Image.open(io.BytesIO(qr.png(qr.text_of(prescription)))).width
    assert f'viewBox="0 0 {side} {side}"' in drawing
    assert side <= 61 + 8


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_the_command_says_and_exits(prescription, tmp_path, capsys):
    text = qr.text_of(prescription)
    call_command("verify_qr", text)
    assert capsys.readouterr().out.startswith("valid: Genuine and current\n")
    picture = tmp_path / "code.png"
    Image.open(io.BytesIO(qr.png(text))).resize((345, 345)).save(picture)
    call_command("verify_qr", str(picture))
    assert "Checked: signature, registry" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        call_command("verify_qr", text[:-1])
    assert end.value.code == 1


def test_the_command_says_when_a_picture_has_no_code(tmp_path):
    picture = tmp_path / "page.png"
    picture.write_bytes(factories.picture())
    with pytest.raises(CommandError, match="No readable QR code"):
        call_command("verify_qr", str(picture))


def test_the_command_says_what_to_do_with_a_drawing(prescription, tmp_path):
    drawing = tmp_path / "code.svg"
    drawing.write_text(qr.svg(qr.text_of(prescription)))
    with pytest.raises(CommandError, match="save the code as a PNG"):
        call_command("verify_qr", str(drawing))


def test_keys_are_rotated_and_revoked_from_the_command_line(prescription, capsys):
    text, first = qr.text_of(prescription), keys.signing_key().kid
    call_command("rotate_qr_key")
    assert qr.check(text).code == "valid"
    call_command("rotate_qr_key", "--revoke", first)
    assert qr.check(text).code == "revoked_key"
    assert keys.signing_key().kid not in {first}
    with pytest.raises(CommandError):
        call_command("rotate_qr_key", "--revoke", "0" * 16)
    assert "signs from now on" in capsys.readouterr().out


def test_the_offline_reader_needs_no_database():
    """A verifier without a network has the module `signed` and the published keys, and nothing else of ours."""
    script = "import sys; import prescriptions.code.signed; assert not any(m.startswith('django') for m in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
