"""Session data at rest: what a flow keeps between two pages is encrypted, so that the table opens nothing.

Only what says who is signed in stays readable. SECRET_KEY, which the database does not hold, decrypts the
rest; under another key it is dropped, and the flow begins again.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.signing import JSONSerializer

from accounts.crypto.fernet import box

SALT = b"accounts.crypto.session_serializer"
SEALED = "sealed"
# None of these is a secret: ids, times, and a keyed hash that no one can turn into a session.
READABLE = ("_auth_user_", "_session_expiry", "account_authentication_methods", "seen_at", "organization")


class SealedSerializer:
    """``settings.SESSION_SERIALIZER``. Django signs what it returns."""

    def dumps(self, obj: dict[str, Any]) -> bytes:
        found = {key: value for key, value in obj.items() if key.startswith(READABLE)}
        if hidden := {key: value for key, value in obj.items() if key not in found}:
            found[SEALED] = box(SALT).encrypt(JSONSerializer().dumps(hidden)).decode()
        return JSONSerializer().dumps(found)

    def loads(self, data: bytes) -> dict[str, Any]:
        found: dict[str, Any] = JSONSerializer().loads(data)
        sealed = found.pop(SEALED, "")
        try:
            return JSONSerializer().loads(box(SALT).decrypt(sealed)) | found if sealed else found
        except InvalidToken:
            return found
