"""Verification of the signature of GitHub's secret scanning: ECDSA P-256 with SHA-256 over the raw body.

https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
"""

from __future__ import annotations

from base64 import b64decode

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.cache import cache

from accounts.oidc.http import Deadline, ProviderDown
from accounts.oidc.jwks import KeyListing, cache_key, signing_key

LISTING = KeyListing("public_keys", "key_identifier")
LONGEST_HEADER = 200
# After a failure the keys are not requested for this long, because anyone may send a request.
PAUSE_SECONDS = 10


class InvalidSignature(Exception):
    """The signature is missing, malformed or wrong, or its key is unknown."""


def verify(body: bytes, key_id: str, signature: str) -> None:
    """Verify the base64 DER signature of the body by the key of that id.

    Raises InvalidSignature, or ProviderDown if GITHUB_LEAK_KEYS_URL cannot be read.
    """
    if not (0 < len(key_id) <= LONGEST_HEADER and 0 < len(signature) <= LONGEST_HEADER):
        raise InvalidSignature
    try:
        raw = b64decode(signature, validate=True)
        _public_key(key_id).verify(raw, body, ec.ECDSA(SHA256()))
    except (ValueError, WrongSignature):
        raise InvalidSignature from None


def _public_key(key_id: str) -> ec.EllipticCurvePublicKey:
    """Return the key; raises InvalidSignature, ValueError for a key that is no PEM, or ProviderDown."""
    listed = _listed(key_id)
    pem = listed.get("key") if listed else None
    if not isinstance(pem, str):
        raise InvalidSignature
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidSignature
    return key


def _listed(key_id: str) -> dict[str, object] | None:
    url = settings.GITHUB_LEAK_KEYS_URL
    pause = f"{cache_key(url)}:pause"
    if cache.get(pause):
        raise ProviderDown("GitHub's keys were unavailable a moment ago.")
    try:
        return signing_key(url, key_id, Deadline(), LISTING)
    except ProviderDown:
        cache.set(pause, 1, PAUSE_SECONDS)
        raise
