"""Keys and certificates of the demo and the tests: an authority of our own with its list of revoked certificates, the
local operator, those it knows.

Made once, in one folder. A real deployment has its certificates from the IGC-Santé and never comes here.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

LIFE = timedelta(days=820)
RENEW_BEFORE = timedelta(days=30)
PORTAL = "ordolien"  # common names: who the operator lets in
PHARMACIES = "pharmacies"


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def crl(self) -> Path:
        return self.folder / "ca.crl"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def demo_folder() -> Path:
    return settings.VAR_DIR / "demo" / "tls"


def ready_in(folder: Path) -> Certificates:
    """Those of the folder, made if they are missing or about to expire."""
    found = Certificates(folder)
    if not _are_good(found):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(found)
    return found


def _are_good(found: Certificates) -> bool:
    files = [
        found.ca,
        found.key("ca"),
        found.crl,
        *(path for name in ("operator", PORTAL, PHARMACIES) for path in _both(found, name)),
    ]
    if not all(file.is_file() for file in files):
        return False
    certificate = x509.load_pem_x509_certificate(found.ca.read_bytes())
    return certificate.not_valid_after_utc > datetime.now(UTC) + RENEW_BEFORE


def _both(found: Certificates, name: str) -> tuple[Path, Path]:
    return found.certificate(name), found.key(name)


def _make(found: Certificates) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Ordolien demonstration authority")
    ca = (
        _certificate(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    found.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    _write_key(found.key("ca"), ca_key)
    write_crl(found, found.crl)
    issue_server(found, "operator")
    for name in (PORTAL, PHARMACIES):
        issue(found, name)


def issue(found: Certificates, name: str, *, file: str = "") -> None:
    """A certificate for whoever presents it as `name`, in files called `file` (or `name`)."""
    _issue(found, file or name, name, ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName(f"{file or name}.test")])


def issue_server(found: Certificates, name: str) -> None:
    local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    _issue(found, name, name, ExtendedKeyUsageOID.SERVER_AUTH, local)


def _issue(found: Certificates, file: str, name: str, purpose, names: list[x509.GeneralName]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority, ca_key = _authority(found)
    certificate = (
        _certificate(_name(name), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    found.certificate(file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(found.key(file), key)


def write_crl(found: Certificates, to: Path, *, revoked: Iterable[str] = (), life: timedelta = LIFE) -> Path:
    """The authority's list, signed now, of the certificates in the files called `revoked`."""
    authority, ca_key = _authority(found)
    now = datetime.now(UTC)
    crl = x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
    crl = crl.last_update(now - timedelta(hours=1)).next_update(now + life)
    for file in revoked:
        serial = x509.load_pem_x509_certificate(found.certificate(file).read_bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(hours=1))
        crl = crl.add_revoked_certificate(entry.build())
    to.write_bytes(crl.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return to


def _authority(found: Certificates):
    key = serialization.load_pem_private_key(found.key("ca").read_bytes(), password=None)
    return x509.load_pem_x509_certificate(found.ca.read_bytes()), key


def _certificate(subject: x509.Name, issuer: x509.Name, public_key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write_key(file: Path, key) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
