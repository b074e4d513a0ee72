"""Whom the portal trusts, and how it signs in: the list of revoked certificates, and tokens."""

import sys
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from portal.health import Finding
from sharing import health, mssante
from sharing.demo import certificates as files
from sharing.mssante import Kind, Stage
from tests.sharing.test_mssante import send

SENT = mssante.SendOutcome(Stage.DONE, "250 2.0.0", Kind.SENT)


# --- The list of revoked certificates -------------------------------------------------------------------------------
@pytest.fixture
def crl(open_sink, settings, certificates, tmp_path):
    """crl(revoked=…, life=…) replaces the file that the portal reads, as a download would."""
    open_sink()
    settings.VAR_DIR = tmp_path / "var"
    settings.MSSANTE_CRL = str(tmp_path / "downloaded.crl")

    def replace(**facts):
        mssante.hang_up()
        return files.write_crl(certificates, tmp_path / "downloaded.crl", **facts)

    return replace


def test_an_operator_that_is_not_on_the_list_is_trusted(crl):
    crl()
    assert send() == SENT


def test_a_revoked_operator_gets_nothing(crl):
    crl(revoked=["operator"])
    assert send() == mssante.SendOutcome(Stage.TLS, "cert revoked", Kind.CONFIGURATION)


def test_the_list_may_be_in_der(crl):
    file = crl(revoked=["operator"])
    file.write_bytes(x509.load_pem_x509_crl(file.read_bytes()).public_bytes(Encoding.DER))
    assert send().code == "cert revoked"


@pytest.mark.parametrize("damage", ["half", "gone", "expired", "another authority"])
def test_the_last_good_list_serves_while_the_new_one_is_not_good(crl, tmp_path, damage, caplog):
    file = crl()
    assert send() == SENT
    if damage == "expired":
        crl(life=-timedelta(seconds=1))
    elif damage == "another authority":
        files.write_crl(files.ready_in(tmp_path / "others"), file)
    else:
        file.write_bytes(file.read_bytes()[:200]) if damage == "half" else file.unlink()
    mssante.hang_up()
    assert send() == SENT
    assert "the list of revoked certificates is not taken" in caplog.text


def test_a_list_that_has_never_been_good_trusts_nobody(crl):
    crl(life=-timedelta(seconds=1))
    assert (send().stage, send().code, send().kind) == (Stage.TLS, "no file", Kind.CONFIGURATION)


@pytest.mark.django_db
@pytest.mark.parametrize(("hours", "is_good"), [(23, False), (36, True)])
def test_a_list_about_to_end_is_trouble_in_the_deep_health_check(crl, hours, is_good, caplog):
    crl(life=timedelta(hours=hours))
    assert Finding("crl_hours", hours, is_good) in list(health.operator())
    assert send() == SENT
    assert ("the list of revoked certificates ends in 22 hours" in caplog.text) is not is_good


@pytest.mark.django_db
def test_no_list_where_one_is_asked_for_is_trouble_too(crl):
    assert Finding("crl_hours", None, False) in list(health.operator())


# --- Tokens ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def token_file(settings, tmp_path):
    settings.MSSANTE_AUTH, settings.MSSANTE_TOKEN_FILE = "xoauth2", str(tmp_path / "token")
    return tmp_path / "token"


def test_a_token_opens_the_mailbox_and_is_read_anew_at_each_connection(open_sink, token_file):
    token_file.write_text("jeton-1\n")
    sink = open_sink(token="jeton-1")
    assert send() == SENT
    sink.token = "jeton-2"
    token_file.write_text("jeton-2")
    mssante.hang_up()
    assert send() == SENT


def test_a_token_may_come_from_a_command(open_sink, token_file, settings):
    settings.MSSANTE_TOKEN_COMMAND = f"{sys.executable} -c \"print('jeton-3')\""
    open_sink(token="jeton-3")
    assert send() == SENT


@pytest.mark.parametrize(
    ("token", "code"),
    [("perime", "535 5.7.8"), ("", "no token"), ("deux mots", "no token"), ("a\r\nMAIL FROM:<x@y.z>", "no token")],
)
def test_without_a_good_token_it_is_configuration(open_sink, token_file, token, code, caplog):
    token_file.write_text(token)
    sink = open_sink(token="jeton-1")
    assert send() == mssante.SendOutcome(Stage.AUTH, code, Kind.CONFIGURATION)
    assert sink.turns == 0
    assert not token or token not in caplog.text


def test_no_file_and_no_such_command_are_configuration(open_sink, token_file, settings):
    open_sink(token="jeton-1")
    assert send().code == "no token"
    settings.MSSANTE_TOKEN_COMMAND = "/nowhere/at/all"
    assert send().code == "no token"


def test_a_server_that_takes_no_token_is_configuration(open_sink, token_file):
    token_file.write_text("jeton-1")
    open_sink()
    assert send().code == "no xoauth2"


def test_without_a_token_such_a_server_refuses(open_sink):
    open_sink(token="jeton-1")
    assert (send().code, send().kind) == ("530 5.7.0", Kind.CONFIGURATION)
