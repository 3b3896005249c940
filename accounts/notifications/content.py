"""Encryption of a stored mail, whose link carries a secret."""

from __future__ import annotations

import json
from dataclasses import asdict

from cryptography.fernet import InvalidToken

from accounts.crypto.fernet import box
from accounts.notifications.email import Email

SALT = b"accounts.notifications.outbox"


def seal(email: Email) -> str:
    return box(SALT).encrypt(json.dumps(asdict(email)).encode()).decode()


def unseal(content: str) -> Email:
    """Raises InvalidToken where it was sealed under a key that this server does not have."""
    found = json.loads(box(SALT).decrypt(content.encode()))
    return Email(
        subject=found["subject"],
        before=tuple(found["before"]),
        link=found["link"],
        label=found["label"],
        after=tuple(found["after"]),
        rows=tuple((name, text) for name, text in found["rows"]),
    )


def is_readable(content: str) -> bool:
    try:
        box(SALT).decrypt(content.encode())
    except InvalidToken:
        return False
    return True
