"""A program that uses the API of Ordolien: proves who it is, gets a token, asks. Needs only PyJWT and cryptography.

.venv/bin/python docs/api_client.py var/demo/clients/insurer.json /api/insurer/check/ '{"numbers": ["…"]}'
"""

import json
import secrets
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import Request, urlopen

import jwt


def ask_token(client: dict) -> str:
    """Ten minutes of access, against an assertion signed with the client's own key (RFC 7523)."""
    now = int(time.time())
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": client["token_url"],
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(16),
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, client["private_key_pem"], algorithm="ES256"),
    }
    with urlopen(Request(client["token_url"], urlencode(form).encode())) as answer:  # noqa: S310
        return json.load(answer)["access_token"]


def call(client: dict, path: str, body: dict | None = None) -> dict:
    headers = {"Authorization": f"Bearer {ask_token(client)}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(urljoin(client["token_url"], path), data, headers)) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    file, path, *body = sys.argv[1:]
    found = call(json.loads(Path(file).read_text()), path, json.loads(body[0]) if body else None)
    print(json.dumps(found, indent=2, ensure_ascii=False))
