"""A secret, kept so that only another one which is not stored can read it: a refresh token's successor by the
token it followed, a new credential's secret by the cookie of the page that reveals it."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


def seal(presented: str, successor: str) -> bytes:
    """Encrypt under a key derived from the presented token, which is stored as a digest only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _key(presented).encrypt(nonce, successor.encode(), None)


def unseal(presented: str, sealed: bytes) -> str | None:
    """What was sealed under this very token; None for any other."""
    try:
        return _key(presented).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
    except InvalidTag:
        return None


def _key(presented: str) -> AESGCM:
    info = b"tessera refresh successor"
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(presented.encode()))
