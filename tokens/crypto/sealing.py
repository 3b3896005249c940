"""Encryption of a secret under a key derived from another secret that is not stored.

Used for a refresh token's successor, under the token before it, and for a new credential's secret, under the
cookie of the page that reveals it.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


def seal(presented: str, successor: str) -> bytes:
    """Encrypt ``successor`` under a key derived from ``presented``, which is stored as a digest only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _key(presented).encrypt(nonce, successor.encode(), None)


def unseal(presented: str, sealed: bytes) -> str | None:
    """Decrypt what was sealed under ``presented``. Returns None for any other token."""
    try:
        return _key(presented).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
    except InvalidTag:
        return None


def _key(presented: str) -> AESGCM:
    info = b"tessera refresh successor"
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(presented.encode()))
