"""Inviting people and letting them in: one use, one address, never more than the inviter may give now."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.audit import Target, record
from accounts.models import BASE62, Invitation, Membership, Organization, User
from accounts.rights import require, require_rank
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refused

DAYS = 7
MANAGE = "members.manage"
SECRET_LENGTH = 43  # 43 × log2 62 = 256.03 bits


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and the secret of its link, which goes into the mail and nowhere else."""

    invitation: Invitation
    secret: str


@transaction.atomic
def invite(*, actor: Actor, email: str, role: Role, now: datetime | None = None) -> Invited:
    """Invite an address, or invite it anew.

    Raises Refused: invalid_request with fields, forbidden above one's rank, insufficient_scope.
    """
    member = require(actor, MANAGE)
    organization = member.organization
    require_rank(member, role)
    email = email.strip().lower()
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise Refused(refusals.INVALID_REQUEST, fields={"email": ["This person is a member already."]})
    now = now or timezone.now()
    secret = new_secret()
    invitation, _ = Invitation.objects.open().update_or_create(
        organization=organization,
        email=email,
        defaults={
            "role": role,
            "digest": digest(secret),
            "invited_by": member.user,
            "inviter": member,
            "sent_at": now,
            "expires_at": now + timedelta(days=DAYS),
        },
    )
    _record("invitation.created", actor, invitation, role=role)
    return Invited(invitation, secret)


@transaction.atomic
def resend(*, actor: Actor, invitation: Invitation, now: datetime | None = None) -> Invited:
    """A new link for seven more days; the one before is dead. Raises Refused(not_found) once it is over."""
    Organization.objects.locked(invitation.organization_id)
    found = Invitation.objects.open().filter(pk=invitation.pk).first()
    if found is None:
        raise Refused(refusals.NOT_FOUND)
    return invite(actor=actor, email=found.email, role=Role(found.role), now=now)


@transaction.atomic
def revoke(*, actor: Actor, invitation: Invitation, now: datetime | None = None) -> None:
    """Take an invitation back; repeating it changes nothing."""
    Organization.objects.locked(invitation.organization_id)
    member = require(actor, MANAGE)
    require_rank(member, invitation.role)
    open_still = Invitation.objects.open().filter(pk=invitation.pk)
    if open_still.update(revoked_at=now or timezone.now()):
        _record("invitation.revoked", actor, invitation)


@transaction.atomic
def accept(*, secret: str, user: User, now: datetime | None = None) -> Membership:
    """Join by a link; raises Refused: not_found, invitation_gone, or forbidden for another address.

    The address must be the user's own and verified; the inviter must still be one who may invite so.
    """
    now = now or timezone.now()
    known = find(secret)
    if known is None:
        raise Refused(refusals.NOT_FOUND)
    organization = Organization.objects.locked(known.organization_id)
    invitation = Invitation.objects.get(pk=known.pk)
    if not is_good(invitation, now) or bytes(invitation.digest) != digest(secret):
        raise Refused(refusals.INVITATION_GONE)
    if not EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists():
        raise Refused(refusals.FORBIDDEN, detail="The invitation is for another e-mail address.")
    membership, joined = Membership.objects.get_or_create(
        organization=organization, user=user, defaults={"role": invitation.role, "joined_at": now}
    )
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now)
    if joined:
        joiner = Actor(type="user", id=user.pk, name=user.display_name, user_id=user.pk)
        _record("invitation.accepted", joiner, invitation, role=invitation.role)
    return membership


def find(secret: str) -> Invitation | None:
    return Invitation.objects.filter(digest=digest(secret)).select_related("organization").first()


def is_good(invitation: Invitation, now: datetime) -> bool:
    """Open, in time, the organization running, and the inviter still one who may give this role."""
    if invitation.status(now) != "pending" or invitation.organization.suspended_at is not None:
        return False
    inviter = (
        Membership.objects.active()
        .filter(pk=invitation.inviter_id, organization_id=invitation.organization_id)
        .select_related("user")
        .first()
    )
    if inviter is None or not inviter.scopes.allows(MANAGE):
        return False
    return not Role(invitation.role).outranks(Role(inviter.role))


def new_secret() -> str:
    return "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH))


def digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="replace")).digest()


def _record(action: str, actor: Actor, invitation: Invitation, **changes: str) -> None:
    record(
        organization_id=invitation.organization_id,
        action=action,
        actor=actor,
        target=Target("invitation", invitation.public_id, invitation.email),
        changes=changes,
    )
