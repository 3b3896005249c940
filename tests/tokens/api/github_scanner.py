"""GitHub's secret scanning with keys of our own, which a server on loopback publishes."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client, override_settings

from tests.support.waiting import PATIENCE
from tokens.api.leaks_github import KEY_ID, SIGNATURE

URL = "/api/v1/leaks/github"
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii")


def listed(key_id: str, key: str) -> dict[str, Any]:
    return {"key_identifier": key_id, "key": key, "is_current": True}


def signature(body: bytes, key: Any = KEY) -> str:
    return b64encode(key.sign(body, ec.ECDSA(SHA256()))).decode()


class GitHub:
    """``document`` is what it publishes with ``status``; ``asked`` counts the requests for it."""

    def __init__(self) -> None:
        self.document: Any = {"public_keys": [listed("first", pem(KEY))]}
        self.status = 200
        self.asked = 0

    def report(self, matches: Any, **headers: str) -> Any:
        return self.send(json.dumps(matches).encode(), **headers)

    def send(self, body: bytes, key_id: str = "first", signed: str | None = None) -> Any:
        signed = signature(body) if signed is None else signed
        headers = {name: value for name, value in ((KEY_ID, key_id), (SIGNATURE, signed)) if value}
        return Client().post(URL, body, content_type="application/json", headers=headers)


@contextmanager
def github() -> Iterator[GitHub]:
    """A scanner whose address is in the settings until the block ends."""
    scanner = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scanner.asked += 1
            body = json.dumps(scanner.document).encode()
            self.send_response(scanner.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    try:
        with override_settings(GITHUB_LEAK_KEYS_URL=url, SINGLE_SIGN_ON_SECONDS=PATIENCE):
            yield scanner
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
