"""allauth's MFA adapter: secrets are encrypted, and passkeys are bound to our own host."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from accounts.authentication import mfa_secrets
from accounts.models import User


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right.",
        "unreadable": (
            "This server cannot check your second factor any more. Use a recovery code or a passkey, "
            "or ask the people who run this Tessera to reset your second factor."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Encrypt the secret, so that a copy of the database alone yields no codes."""
        return mfa_secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return mfa_secrets.decrypt(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002
        """Return the default name of a new passkey."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.BASE_URL).hostname or "", "name": "Tessera"}
