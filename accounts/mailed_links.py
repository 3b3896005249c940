"""Secrets in mailed links: 256 bits, a digest at rest, one use, and only the newest works."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import mails
from accounts.link_models import LinkKind, MailedLink
from accounts.mails import Letter
from accounts.models import BASE62, User

SECRET_LENGTH = 43  # 43 × log2 62 = 256.03 bits
PATHS = {
    LinkKind.VERIFY: "accounts/confirm-email",
    LinkKind.RESET: "accounts/password/reset/key",
    LinkKind.SIGN_IN: "accounts/magic-link",
}


class InvalidLink(Exception):
    """The link was used, replaced or has expired, or it never was one; which of them is not told."""


def issue(kind: LinkKind, email: str, user: User | None, *, now: datetime | None = None) -> str:
    """Replace the address's link of this kind by a new one and return its address, secret included."""
    now = now or timezone.now()
    secret = "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH))
    made = MailedLink(
        kind=kind,
        email=email,
        user=user,
        digest=_digest(secret),
        created_at=now,
        expires_at=now + timedelta(seconds=_lifetime(kind)),
    )
    # One statement, whether there was a link before or not.
    MailedLink.objects.bulk_create(
        [made],
        update_conflicts=True,
        unique_fields=["kind", "email"],
        update_fields=["user", "digest", "created_at", "expires_at", "used_at"],
    )
    # The host is the one of our settings, whatever a request's headers say.
    return f"{settings.BASE_URL}/{PATHS[kind]}/{secret}"


@transaction.atomic
def mail(
    kind: LinkKind, email: str, user: User | None, letter: Callable[[str], Letter], *, admitted: bool
) -> None:
    """Replace the address's link and mail the letter about the new one.

    Where no further mail is ``admitted``, the same work is done and taken back: nothing leaves, and
    what was mailed before goes on working.
    """
    mails.send(letter(issue(kind, email, user)), email)
    if not admitted:
        transaction.set_rollback(True)


def find(kind: LinkKind, secret: str, *, now: datetime | None = None) -> tuple[MailedLink, User]:
    """The link and its person, not used up by looking; raises InvalidLink."""
    if len(secret) != SECRET_LENGTH or not secret.isascii():
        raise InvalidLink
    valid = MailedLink.objects.filter(used_at=None, expires_at__gt=now or timezone.now())
    link = valid.filter(kind=kind, digest=_digest(secret)).select_related("user").first()
    if link is None or link.user is None or not link.user.is_active:
        raise InvalidLink
    if kind != LinkKind.VERIFY and link.user.email != link.email:
        raise InvalidLink
    return link, link.user


def use(link: MailedLink, *, now: datetime | None = None) -> None:
    """Use the link up, in the transaction of what it is used for; of any number at once, one succeeds.

    Raises InvalidLink where it was used, or replaced by a newer one, since it was found.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101
    now = now or timezone.now()
    this = MailedLink.objects.filter(pk=link.pk, digest=bytes(link.digest))
    if not this.filter(used_at=None, expires_at__gt=now).update(used_at=now):
        raise InvalidLink


def end_all(user: User) -> None:
    """No link that was mailed to this person before works any more."""
    MailedLink.objects.filter(user=user, used_at=None).update(used_at=timezone.now())


def prune(now: datetime) -> int:
    """Delete those that have expired; returns how many."""
    deleted, _ = MailedLink.objects.filter(expires_at__lt=now).delete()
    return deleted


def _lifetime(kind: LinkKind) -> int:
    seconds: int = {
        LinkKind.VERIFY: settings.VERIFICATION_SECONDS,
        LinkKind.RESET: settings.PASSWORD_RESET_TIMEOUT,
        LinkKind.SIGN_IN: settings.MAGIC_LINK_SECONDS,
    }[kind]
    return seconds


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
