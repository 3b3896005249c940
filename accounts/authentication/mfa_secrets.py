"""Encryption of second factors' secrets at rest, under keys that rotate apart from SECRET_KEY."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from accounts.crypto import secret_files
from accounts.models import User

SALT = b"accounts.authentication.mfa_secrets"
# The salt of SECRET_KEY from when it encrypted these secrets.
EARLIER_SALT = b"accounts.authentication.mfa_adapter"
FIELDS = ("secret", "seed")
LISTS = ("migrated_codes",)


class Unreadable(Exception):
    """The secret was encrypted under a key that this server does not have."""

    # Django's templates render it as an empty string.
    silent_variable_failure = True


class State(StrEnum):
    """The state of an authenticator's secrets under the present keys."""

    CURRENT = "current"
    REENCRYPTED = "re-encrypted"
    UNREADABLE = "unreadable"


def encrypt(text: str) -> str:
    return _current().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises Unreadable."""
    try:
        return MultiFernet([_current(), *_earlier()]).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def is_readable(authenticator: Authenticator) -> bool:
    return _reencrypted(authenticator.data) is not None


def reencrypt(pk: int) -> State:
    """Bring one authenticator's secrets under the current key."""
    with transaction.atomic():
        authenticator = Authenticator.objects.select_for_update().get(pk=pk)
        data = _reencrypted(authenticator.data)
        if data is None:
            return State.UNREADABLE
        if data == authenticator.data:
            return State.CURRENT
        authenticator.data = data
        authenticator.save(update_fields=["data"])
        return State.REENCRYPTED


def reencrypt_all() -> Counter[State]:
    """Re-encrypt all authenticators and count the results; safe to repeat and to run during sign-ins."""
    pks = Authenticator.objects.order_by("pk").values_list("pk", flat=True)
    return Counter(reencrypt(pk) for pk in list(pks))


def unreadable_owners() -> list[User]:
    """Users who have a second factor that this server cannot check."""
    pks = {one.user_id for one in Authenticator.objects.iterator() if not is_readable(one)}
    return list(User.objects.filter(pk__in=pks).order_by("email"))


def renew(user: User) -> None:
    """Re-encrypt the user's secrets after a use, if they are under an earlier key."""
    for authenticator in Authenticator.objects.filter(user=user):
        if _reencrypted(authenticator.data) not in (None, authenticator.data):
            reencrypt(authenticator.pk)


def _reencrypted(data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the data with its secrets under the current key; None if one is unreadable."""
    try:
        found = {name: _under_current(data[name]) for name in FIELDS if name in data}
        lists = {name: [_under_current(one) for one in data[name]] for name in LISTS if name in data}
    except Unreadable:
        return None
    return data | found | lists


def _under_current(encrypted: str) -> str:
    try:
        _current().decrypt(encrypted.encode())
    except InvalidToken:
        return encrypt(decrypt(encrypted))
    return encrypted


def _current() -> Fernet:
    if settings.MFA_ENCRYPTION_KEYS:
        return _fernet(SALT, settings.MFA_ENCRYPTION_KEYS[0])
    path = Path(settings.MFA_ENCRYPTION_KEY_FILE)
    return _fernet(SALT, secret_files.read_or_create(path, lambda: secrets.token_urlsafe(64)))


def _earlier() -> list[Fernet]:
    """Return the earlier keys: the configured ones, the file's, and SECRET_KEY, the first one used."""
    keys = list(settings.MFA_ENCRYPTION_KEYS[1:])
    path = Path(settings.MFA_ENCRYPTION_KEY_FILE)
    if settings.MFA_ENCRYPTION_KEYS and path.exists():
        keys.append(path.read_text())
    old = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [*(_fernet(SALT, key) for key in keys), *(_fernet(EARLIER_SALT, key) for key in old)]


def _fernet(salt: bytes, key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(sha256(salt + key.encode()).digest()))
