"""Session data at rest: what a flow keeps between two pages is encrypted, so that the table opens nothing.

Only what says who is signed in stays readable. SECRET_KEY, which the database does not hold, decrypts the
rest; under another key it is dropped, and the flow begins again.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.signing import JSONSerializer

SALT = b"accounts.session_sealing"
SEALED = "sealed"
# None of these is a secret: ids, times, and a keyed hash that no one can turn into a session.
READABLE = ("_auth_user_", "_session_expiry", "account_authentication_methods", "seen_at", "organization")


class SealedSerializer:
    """``settings.SESSION_SERIALIZER``. Django signs what it returns."""

    def dumps(self, obj: dict[str, Any]) -> bytes:
        found = {key: value for key, value in obj.items() if key.startswith(READABLE)}
        if hidden := {key: value for key, value in obj.items() if key not in found}:
            found[SEALED] = _box().encrypt(JSONSerializer().dumps(hidden)).decode()
        return JSONSerializer().dumps(found)

    def loads(self, data: bytes) -> dict[str, Any]:
        found: dict[str, Any] = JSONSerializer().loads(data)
        sealed = found.pop(SEALED, "")
        try:
            return JSONSerializer().loads(_box().decrypt(sealed)) | found if sealed else found
        except InvalidToken:
            return found


def _box() -> MultiFernet:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = (sha256(SALT + secret.encode()).digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
