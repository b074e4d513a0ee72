"""Software that proves itself with its TLS certificate, told by the proxy; and whoever pretends to."""

import base64
import http.client
import json
import ssl
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management import CommandError, call_command

from portal import mutual_tls, software
from portal.models import SoftwareClient
from tests import certificates, factories

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
SUBJECT = "CN=officine.test,O=Officine,C=FR"


def told(identity) -> str:
    """As RFC 9440 has a proxy write it."""
    return f":{base64.b64encode(identity.certificate.public_bytes(Encoding.DER)).decode()}:"


@pytest.fixture(autouse=True)
def proxy(settings):
    settings.CLIENT_CERT_HEADER, settings.CLIENT_CERT_PROXIES = "Client-Cert", ["127.0.0.1"]
    return settings


@pytest.fixture
def own():
    return certificates.make()


@pytest.fixture
def lgo(db, own):
    facts = {"kind": "lgo", "name": "LogiPharma", "structure_finess": factories.market_pharmacy().finess}
    return software.register_certificate(**facts, thumbprint=mutual_tls.thumbprint(own.certificate), by="system:test")


def ask(web, client_id, *, cert: str = "", address: str = "127.0.0.1"):
    form = urlencode({"grant_type": "client_credentials", "client_id": str(client_id)})
    headers = {"Client-Cert": cert} if cert else {}
    return web.post("/api/token/", form, content_type=FORM, headers=headers, REMOTE_ADDR=address)


def tasks(web, token, *, cert: str = "", address: str = "127.0.0.1") -> int:
    headers = {"Authorization": f"Bearer {token}"} | ({"Client-Cert": cert} if cert else {})
    return web.get("/api/fhir/Task", headers=headers, REMOTE_ADDR=address).status_code


def test_a_registered_certificate_gets_a_token_that_serves_only_with_it(lgo, own, client):
    answer = ask(client, lgo.pk, cert=told(own))
    assert answer.status_code == 200 and answer.json()["expires_in"] == 600
    token = answer.json()["access_token"]
    assert tasks(client, token, cert=told(own)) == 200
    assert tasks(client, token) == tasks(client, token, cert=told(certificates.make())) == 401
    assert tasks(client, token, cert=told(own), address="203.0.113.9") == 401, "a header anybody could write"


def test_as_nginx_writes_it(lgo, own, client):
    assert ask(client, lgo.pk, cert=quote(own.pem.decode())).status_code == 200


@pytest.mark.parametrize(
    "why",
    ["missing", "foreign", "same name", "ended", "not one", "spoofed", "switched off", "revoked", "unknown", "key"],
)
def test_whoever_is_not_it_is_refused_with_one_answer(lgo, own, client, proxy, why):
    cert, client_id, address = told(own), lgo.pk, "127.0.0.1"
    if why == "missing":
        cert = ""
    elif why in {"foreign", "same name"}:
        cert = told(certificates.make("CN=autre.test" if why == "foreign" else SUBJECT))
    elif why == "ended":
        ended = certificates.make(ends_in_days=-1)
        SoftwareClient.objects.update(certificate_thumbprint=mutual_tls.thumbprint(ended.certificate))
        cert = told(ended)
    elif why == "not one":
        cert = ":AAAA:"
    elif why == "spoofed":
        address = "203.0.113.9"
    elif why == "switched off":
        proxy.CLIENT_CERT_HEADER = ""
    elif why == "revoked":
        software.revoke_client(client=lgo, by="system:test")
    elif why == "unknown":
        client_id = "not-an-id"
    elif why == "key":
        client_id = software.register_client(kind="lgo", name="X", structure_finess="1", by="system:test")[0].pk
    answer = ask(client, client_id, cert=cert, address=address)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("subject", "authority", "status"),
    [
        (SUBJECT, "ours", 200),
        ("CN=autre.test,O=Officine,C=FR", "ours", 401),
        (SUBJECT, "another", 401),
        (SUBJECT, None, 401),
    ],
)
def test_by_subject_only_from_our_authorities(client, proxy, tmp_path, market, subject, authority, status):
    known = {name: certificates.make(f"CN=AC {name}", ca=True) for name in ("ours", "another")}
    proxy.CLIENT_CERT_CA = tmp_path / f"{authority}-{status}.pem"
    proxy.CLIENT_CERT_CA.write_bytes(known["ours"].pem)
    call_command(
        "create_client",
        kind="lgo",
        name="Pharma",
        structure=market.finess,
        subject=SUBJECT,
    )
    identity = certificates.make(subject, by=known.get(authority))
    assert ask(client, SoftwareClient.objects.get().pk, cert=told(identity)).status_code == status


def test_create_client_registers_a_certificate_and_makes_no_key(db, own, tmp_path, capsys):
    file = tmp_path / "officine.pem"
    file.write_bytes(own.pem)
    call_command("create_client", kind="lgo", name="Pharma", structure="990000017", certificate=file, out=tmp_path)
    installation = SoftwareClient.objects.get()
    assert installation.certificate_thumbprint == mutual_tls.thumbprint(own.certificate)
    assert "self_signed_tls_client_auth" in capsys.readouterr().out and list(tmp_path.iterdir()) == [file]
    with pytest.raises(CommandError):
        call_command("create_client", kind="lgo", name="X", structure="990000017", certificate=tmp_path / "none")


# --- A real handshake -------------------------------------------------------------------------------------------------
class Proxy(BaseHTTPRequestHandler):
    """Ends TLS, erases whatever was written in the header, writes the certificate of the handshake."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "client-cert"}
        seen = self.connection.getpeercert(binary_form=True)
        if seen:
            headers["Client-Cert"] = f":{base64.b64encode(seen).decode()}:"
        with closing(http.client.HTTPConnection(urlsplit(self.server.site).netloc)) as site:
            site.request(self.command, self.path, body, headers)
            answer = site.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, format, *args):
        pass


def with_identity(context: ssl.SSLContext, identity, folder, name: str) -> ssl.SSLContext:
    (folder / f"{name}.pem").write_bytes(identity.pem + identity.key_pem)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


@pytest.fixture
def address(live_server, tmp_path, own):
    """The proxy's, and its own certificate."""
    front = certificates.make("CN=localhost")
    context = with_identity(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), front, tmp_path, "front")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=own.pem.decode())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.site, server.socket = live_server.url, context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port, front
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_over_a_real_handshake_the_header_is_the_proxy_s(address, own, lgo, tmp_path):
    port, front = address

    def call(method, path, body=None, headers=None, identity=None):
        context = ssl.create_default_context(cadata=front.pem.decode())
        if identity:
            with_identity(context, identity, tmp_path, "client")
        with closing(http.client.HTTPSConnection("localhost", port, context=context)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    form = urlencode({"grant_type": "client_credentials", "client_id": str(lgo.pk)})
    kind = {"Content-Type": FORM}
    assert call("POST", "/api/token/", form, kind | {"Client-Cert": told(own)})[0] == 401, "written by whoever asks"
    status, issued = call("POST", "/api/token/", form, kind, own)
    bearer = {"Authorization": f"Bearer {issued['access_token']}"}
    assert status == 200 and call("GET", "/api/fhir/Task", None, bearer, own)[0] == 200
    assert call("GET", "/api/fhir/Task", None, bearer | {"Client-Cert": told(own)})[0] == 401
