"""Invitations: single use, one address, and never more than the inviter may grant now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import errors
from accounts.audit import log
from accounts.audit.log import Target
from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import Claim, InvalidLink
from accounts.authorization import policies
from accounts.authorization.acts import Act, authorize, permits
from accounts.authorization.rights import authorize_locked, personal, require_running
from accounts.errors import APIError
from accounts.members import emails, invitation_limits, removal
from accounts.models import Invitation, Membership, Organization, User
from accounts.models.invitation import InvitationQuerySet
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.permissions.actor import Actor
from accounts.permissions.roles import Role
from accounts.validation import addresses, email_domains

DAYS = 7
OTHER_ADDRESS = "The invitation is for another e-mail address."
UNPROVEN_ADDRESS = "Confirm your e-mail address first."


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and the secret of its link, which is only mailed."""

    invitation: Invitation
    secret: str


def invite(*, actor: Actor, email: str, role: Role, now: datetime | None = None) -> Invited:
    """Invite an address, or invite it again: the previous link stops working. The mail is sent on commit.

    Raises APIError: invalid_request with fields; forbidden above the actor's rank; insufficient_scope;
    rate_limited where the address was, or the organization has, mailed enough; organization_suspended.
    """
    policies.require_recent_proof_for(actor, role)
    email = addresses.normalized(email)
    invitation_limits.check(actor.organization_id, email)
    return _after_commit(_invite(actor, email, role, now or timezone.now()))


def resend(*, actor: Actor, invitation: Invitation, now: datetime | None = None) -> Invited:
    """Mail a new link for seven days; the previous one stops working. The actor becomes the inviter.

    Raises APIError: invitation_gone once it is over, and what ``invite`` raises.
    """
    invitation_limits.check(actor.organization_id, invitation.email)
    with transaction.atomic():
        Organization.objects.lock_all([invitation.organization_id])
        found = Invitation.objects.open().filter(pk=invitation.pk).first()
        if found is None:
            raise APIError(errors.INVITATION_GONE)
        policies.require_recent_proof_for(actor, Role(found.role))
        invited = _invite(actor, found.email, Role(found.role), now or timezone.now(), again=True)
    return _after_commit(invited)


@transaction.atomic
def revoke(*, actor: Actor, invitation: Invitation, now: datetime | None = None) -> None:
    """Revoke an invitation; a repeat changes nothing. Raises APIError(invitation_gone) once accepted."""
    authorize(authorize_locked(actor), Act.REVOKE_INVITATION, role=invitation.role)
    if Invitation.objects.filter(pk=invitation.pk).exclude(accepted_at=None).exists():
        raise APIError(errors.INVITATION_GONE)
    withdraw(invitations=Invitation.objects.filter(pk=invitation.pk), actor=actor, now=now)


@transaction.atomic
@log.batched()
def withdraw(*, invitations: QuerySet[Invitation], actor: Actor, now: datetime | None = None) -> int:
    """Revoke open invitations of any organizations; the caller has authorized the actor."""
    chosen = dict(invitations.values_list("pk", "organization_id"))
    Organization.objects.lock_all(chosen.values())
    withdrawn = list(Invitation.objects.open().filter(pk__in=chosen).order_by("pk"))
    ending = Invitation.objects.filter(pk__in=[one.pk for one in withdrawn])
    ending.update(revoked_at=now or timezone.now())
    for invitation in withdrawn:
        _record("invitation.revoked", actor, invitation)
    return len(withdrawn)


@transaction.atomic
@log.batched()
def accept(*, secret: str, user: User, now: datetime | None = None) -> Membership:
    """Join by a link; raises APIError: not_found, invitation_gone, forbidden for another address, or
    invalid_request where the organization takes no addresses of its domain any more.

    The address must be the user's own and verified; the inviter must still be one who may invite so.
    """
    link = mailed_links.claims_of(secret, LinkKind.INVITATION).select_related("invitation").first()
    if link is None or link.invitation is None:
        raise APIError(errors.NOT_FOUND)
    Organization.objects.lock_all([link.invitation.organization_id])
    now = now or timezone.now()
    invitation = _used(link, now)
    check_address(invitation, user)
    member, joined = Membership.objects.get_or_create(
        organization=invitation.organization,
        user=user,
        defaults={"role": invitation.role, "joined_at": now},
    )
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now)
    joiner = Actor(type="user", id=user.pk, name=user.display_name, user_id=user.pk)
    _record("invitation.accepted", joiner, invitation)
    if joined:
        removal.record("member.joined", member, joiner, role=[None, member.role])
    return member


def find(secret: str) -> Invitation | None:
    """Return the invitation of a link, used or not, with the related rows that ``is_good`` needs."""
    claims = mailed_links.claims_of(secret, LinkKind.INVITATION)
    return _whole().filter(mailed_claim__in=claims).first()


def of_organization(organization_id: UUID) -> InvitationQuerySet:
    """Return the open invitations, with the related rows that ``status`` needs."""
    return _whole().open().filter(organization_id=organization_id)


def status(invitation: Invitation, now: datetime) -> str:
    """Return the status: accepted, revoked, expired, pending or lapsed.

    ``lapsed`` means that the inviter may no longer grant this role.
    """
    found = invitation.status(now)
    return "lapsed" if found == "pending" and not _is_backed(invitation) else found


def is_good(invitation: Invitation, now: datetime) -> bool:
    """Whether it is open and not expired, and its inviter may still grant its role."""
    return status(invitation, now) == "pending"


def check_address(invitation: Invitation, user: User) -> None:
    """Raise APIError(forbidden) unless the invitation's address is the user's own, and verified."""
    # Compared here and not in SQL, whose case folding maps some characters to others.
    own = {
        addresses.normalized(email): verified
        for email, verified in EmailAddress.objects.filter(user=user).values_list("email", "verified")
    }
    invited = addresses.normalized(invitation.email)
    if own.get(invited):
        return
    unproven = invited in own or invited == addresses.normalized(user.email)
    raise APIError(errors.FORBIDDEN, detail=UNPROVEN_ADDRESS if unproven else OTHER_ADDRESS)


@transaction.atomic
def _invite(actor: Actor, email: str, role: Role, now: datetime, *, again: bool = False) -> Invited:
    rights = authorize_locked(actor)
    organization = rights.member.organization
    authorize(rights, Act.INVITE, role=role)
    require_running(organization)
    _check_address(organization, email)
    earlier = Invitation.objects.open().filter(organization=organization, email=email).first()
    if earlier is not None:
        authorize(rights, Act.REVOKE_INVITATION, role=earlier.role)
    invitation, _ = Invitation.objects.open().update_or_create(
        organization=organization,
        email=email,
        defaults={
            "role": role,
            "digest": None,
            "invited_by": rights.member.user,
            "inviter": rights.member,
            "parent_id": actor.id if actor.type == "service_account" else None,
            "parent_client_id": actor.id if actor.type == "client" else None,
            "sent_at": None,
            "expires_at": now + timedelta(days=DAYS),
        },
    )
    claim = Claim(LinkKind.INVITATION, email, invitation=invitation)
    compose = partial(emails.invitation, invitation, rights.member)
    secret = mailed_links.mail(claim, compose, admitted=True)
    _record("invitation.resent" if again else "invitation.created", actor, invitation)
    return Invited(invitation, secret)


def _used(link: MailedClaim, now: datetime) -> Invitation:
    """Use the link up under the organization's lock; raises APIError where its invitation is not good.

    The wait for the lock may have been long: everything is read again after it.
    """
    invitation = _whole().filter(mailed_claim=link).first()
    if invitation is None:
        raise APIError(errors.NOT_FOUND)
    try:
        mailed_links.mark_used(link, now=now)
    except InvalidLink:
        raise APIError(errors.INVITATION_GONE) from None
    if invitation.status(now) == "pending":
        _check_domain(invitation.organization, invitation.email)
    if not is_good(invitation, now):
        raise APIError(errors.INVITATION_GONE)
    return invitation


def _after_commit(invited: Invited) -> Invited:
    """Return the invitation, with whether the mail was sent right after the commit."""
    invited.invitation.refresh_from_db(fields=["sent_at"])
    return invited


def _check_address(organization: Organization, email: str) -> None:
    if Membership.objects.filter(
        organization=organization, user__email__in=addresses.spellings(email)
    ).exists():
        raise APIError(errors.INVALID_REQUEST, fields={"email": ["This person is a member already."]})
    _check_domain(organization, email)


def _check_domain(organization: Organization, email: str) -> None:
    if not email_domains.admits(organization.email_domains, email):
        sentence = email_domains.sentence(organization.email_domains)
        raise APIError(errors.INVALID_REQUEST, fields={"email": [sentence]})


def _is_backed(invitation: Invitation) -> bool:
    """Whether the organization is active and allows it, and the inviter may still grant all of it."""
    organization, inviter = invitation.organization, invitation.inviter
    if organization.suspended_at or organization.deleted_at or inviter is None:
        return False
    if inviter.organization_id != organization.pk or not inviter.user.is_active:
        return False
    if not permits(personal(inviter), Act.INVITE, role=invitation.role):
        return False
    return email_domains.admits(organization.email_domains, invitation.email)


def _whole() -> InvitationQuerySet:
    return Invitation.objects.all().select_related("organization", "inviter__user", "invited_by")


def _record(action: str, actor: Actor, invitation: Invitation) -> None:
    log.record(
        organization_id=invitation.organization_id,
        action=action,
        actor=actor,
        target=Target("invitation", invitation.public_id, invitation.email),
        changes={"role": invitation.role},
    )
