"""Encryption of what is stored for a while, under keys that the database does not hold."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def box(salt: bytes) -> MultiFernet:
    """Encrypt under SECRET_KEY, and decrypt under SECRET_KEY_FALLBACKS as well."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = (sha256(salt + secret.encode()).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
