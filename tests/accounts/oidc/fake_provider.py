"""An identity provider on loopback that signs what it says: the product's own code asks it, over sockets."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID, CLIENT_SECRET = "tessera-here", "the client's own secret"
TENANT = "7f1e5a40-62c6-4a0c-9f43-2f4f3f0c9b11"
ACCESS_TOKEN = "an-access-token-of-the-provider"
AT_HASH = urlsafe_b64encode(sha256(ACCESS_TOKEN.encode()).digest()[:16]).rstrip(b"=").decode()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Answer = Callable[[BaseHTTPRequestHandler], None]


def jwk(key: Any, key_id: str, algorithm: str) -> dict[str, Any]:
    kind = jwt.get_algorithm_by_name(algorithm)
    found: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return found | {"kid": key_id, "alg": algorithm, "use": "sig"}


class FakeProvider:
    """``claims`` and ``headers`` are what it says instead of what is right; None leaves one out."""

    def __init__(self, issuer: str, url: str) -> None:
        self.issuer, self.url = issuer, url
        self.key: Any = RSA_KEY
        self.algorithm = "RS256"
        self.key_id = "first"
        self.keys: list[dict[str, Any]] = [jwk(RSA_KEY, "first", "RS256"), jwk(EC_KEY, "second", "ES256")]
        self.claims: dict[str, Any] = {"sub": "248289761001"}
        self.headers: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.instead: dict[str, Answer] = {}
        self.change: Callable[[str], str] = lambda token: token

    def approve(self, location: str) -> dict[str, str]:
        """What the browser brings back after its person has agreed to the page at ``location``."""
        query = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "at_hash": AT_HASH,
            "email": "ann@example.com",
            "email_verified": True,
            "name": "Ann Example",
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": self.key_id} | self.headers
        return self.change(jwt.encode(claims, self.key, algorithm=self.algorithm, headers=headers))

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/keys":
            return 200, {"keys": self.keys}
        self.forms.append(form)
        begun = self.codes.pop(form.get("code", ""), None)
        digest = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        right = begun is not None and (
            begun["redirect_uri"] == form.get("redirect_uri")
            and begun["code_challenge"] == digest.decode()
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        )
        if begun is None or not right:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "refresh_token": "do-not-keep"}
        return 200, token | {"id_token": self.id_token(begun["nonce"])}


@contextmanager
def running(issuer: str = "") -> Iterator[FakeProvider]:
    """One that answers until the block ends; without an issuer's name it is its own address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.respond({name: values[0] for name, values in parse_qs(body).items()})

        def respond(self, form: dict[str, str]) -> None:
            if self.path in provider.instead:
                provider.instead[self.path](self)
                return
            status, answer = provider.answer(self.path, form)
            send(self, status, json.dumps(answer).encode(), "application/json")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_address[1]}"
    provider = FakeProvider(issuer or url, url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    try:
        handler.wfile.write(body)
    except OSError:
        """The client has closed the connection."""


def places(provider: FakeProvider, issuer: str) -> dict[str, str]:
    """The settings of a provider that is ours."""
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "issuer": issuer,
        "authorize_url": f"{provider.url}/authorize",
        "token_url": f"{provider.url}/token",
        "keys_url": f"{provider.url}/keys",
    }
