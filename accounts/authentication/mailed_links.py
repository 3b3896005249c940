"""Mailed links: 256-bit secrets, stored as digests, single-use, each for one claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.crypto.random_secrets import digest, random_text
from accounts.models import Invitation, User
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.notifications import outbox
from accounts.notifications.email import Email, Link
from accounts.validation import addresses

SECRET_LENGTH = 43  # 43 × log2 62 = 256.03 bits
PAGES = {
    LinkKind.SIGN_UP: "confirm_email",
    LinkKind.VERIFY: "confirm_email",
    LinkKind.MOVE: "confirm_email",
    LinkKind.RESET: "reset_password",
    LinkKind.SIGN_IN: "open_magic_link",
    LinkKind.INVITATION: "invitation",
}


class InvalidLink(Exception):
    """The link was used, replaced, has expired or never existed. The response does not say which."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link to ``email`` proves once it is used; for a sign-up also what that request asked for."""

    kind: LinkKind
    email: str
    user: User | None = None
    invitation: Invitation | None = None
    password: str = ""
    name: str = ""
    organization_name: str = ""
    request_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def key(self) -> str:
        """Return the claim's unique key: one for each sign-up, and never one for two accounts."""
        if self.kind == LinkKind.SIGN_UP:
            return f"{self.kind}:{self.request_id}"
        if self.kind in (LinkKind.VERIFY, LinkKind.MOVE):
            return f"{self.kind}:{self.user and self.user.pk}"
        return f"{self.kind}:{self.invitation.pk if self.invitation else self.email}"

    def expires_at(self, now: datetime) -> datetime:
        if self.invitation:
            return self.invitation.expires_at
        return now + timedelta(seconds=_lifetime(self.kind))


def issue(claim: Claim, *, now: datetime | None = None) -> str:
    """Store the claim under a new secret, which replaces the previous one, and return the link."""
    return _address(claim.kind, _store(claim, now or timezone.now()))


@transaction.atomic
def mail(claim: Claim, compose: Callable[[str], Email], *, admitted: bool) -> str:
    """Issue the claim, mail its link, and return the link's secret.

    Where no further mail is ``admitted``, the same work is done and rolled back: nothing is sent, and
    nothing has changed.
    """
    now = timezone.now()
    secret = _store(claim, now)
    link = Link(digest(secret), claim.expires_at(now))
    outbox.enqueue(compose(_address(claim.kind, secret)), claim.email, link=link)
    if not admitted:
        transaction.set_rollback(True)
    return secret


def claims_of(secret: str, *kinds: LinkKind) -> QuerySet[MailedClaim]:
    """The claim of a link of one of these kinds, if there is one: unused, used or expired."""
    if len(secret) != SECRET_LENGTH or not secret.isascii():
        return MailedClaim.objects.none()
    return MailedClaim.objects.filter(kind__in=kinds, digest=digest(secret))


def find(secret: str, *kinds: LinkKind, now: datetime | None = None) -> MailedClaim:
    """The claim of an unused link of one of these kinds; looking does not use it. Raises InvalidLink."""
    valid = claims_of(secret, *kinds).filter(used_at=None, expires_at__gt=now or timezone.now())
    link = valid.select_related("user").first()
    if link is None or (link.user is not None and not link.user.is_active):
        raise InvalidLink
    link.email = addresses.normalized(link.email)
    if (
        link.user is not None
        and link.kind != LinkKind.MOVE
        and addresses.normalized(link.user.email) != link.email
    ):
        raise InvalidLink
    return link


def use(link: MailedClaim, *, now: datetime | None = None) -> None:
    """Mark the link as used, in the transaction of its effect; of concurrent requests one succeeds.

    Raises InvalidLink where it was used, or replaced by a newer one, since it was found.
    """
    lock_sign_ups(link.email)
    mark_used(link, now=now)


def mark_used(link: MailedClaim, *, now: datetime | None = None) -> None:
    """Mark the link as used without the locks of the address; raises InvalidLink as ``use`` does.

    The end of an invitation's link is the invitation's own: its caller checks it.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101
    now = now or timezone.now()
    unused = MailedClaim.objects.filter(pk=link.pk, digest=bytes(link.digest), used_at=None)
    if not unused.filter(Q(expires_at__gt=now) | Q(invitation__isnull=False)).update(used_at=now):
        raise InvalidLink


def receiver_of(email: str) -> tuple[User | None, bool]:
    """The address's account, and whether a link may be mailed; the same statements in every case.

    Where the address was only signed up, the link opens an account of its own: with nothing of what
    the sign-up asked for, because that may have been a stranger's.
    """
    user = User.objects.filter(email=User.objects.spelling_of(email)).first()
    pending = MailedClaim.objects.filter(
        email__in=addresses.spellings(email), kind=LinkKind.SIGN_UP, used_at=None
    )
    is_signing_up = pending.filter(expires_at__gt=timezone.now()).exists()
    if user is None:
        return None, is_signing_up
    return (user, True) if user.is_active else (None, False)


def end_all(user: User) -> None:
    """Invalidate all links mailed to the user."""
    MailedClaim.objects.filter(user=user, used_at=None).update(used_at=timezone.now())


def lock_sign_ups(email: str) -> None:
    """Lock the address's sign-up links, in one order, to avoid deadlocks."""
    rows = _unused_sign_ups(email).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def end_sign_ups(email: str) -> None:
    """Invalidate the sign-up links of an address that has an account now."""
    _unused_sign_ups(email).update(used_at=timezone.now())


def prune(now: datetime) -> int:
    """Delete expired links; return how many."""
    deleted, _ = MailedClaim.objects.filter(expires_at__lt=now).delete()
    return deleted


def _store(claim: Claim, now: datetime) -> str:
    """Store the claim under a new secret, and return the secret."""
    secret = random_text(SECRET_LENGTH)
    made = MailedClaim(
        claim=claim.key,
        kind=claim.kind,
        email="" if claim.invitation else claim.email,
        user=claim.user,
        invitation=claim.invitation,
        password=claim.password,
        name=claim.name,
        organization_name=claim.organization_name,
        digest=digest(secret),
        created_at=now,
        expires_at=None if claim.invitation else claim.expires_at(now),
    )
    # One query, whether there was a link before or not.
    MailedClaim.objects.bulk_create(
        [made],
        update_conflicts=True,
        unique_fields=["claim"],
        update_fields=["email", "user", "digest", "created_at", "expires_at", "used_at"],
    )
    return secret


def _address(kind: LinkKind, secret: str) -> str:
    # The host comes from the settings, never from a request's headers.
    return f"{settings.BASE_URL}{reverse(PAGES[kind], args=[secret])}"


def _unused_sign_ups(email: str) -> QuerySet[MailedClaim]:
    return MailedClaim.objects.filter(email__in=addresses.spellings(email), user=None, used_at=None)


def _lifetime(kind: LinkKind) -> int:
    seconds: int = {
        LinkKind.RESET: settings.PASSWORD_RESET_TIMEOUT,
        LinkKind.SIGN_IN: settings.MAGIC_LINK_SECONDS,
    }.get(kind, settings.VERIFICATION_SECONDS)
    return seconds
