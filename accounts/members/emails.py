"""Emails to users about their memberships."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from accounts import dates
from accounts.models import Invitation, Membership, Organization
from accounts.notifications.email import Email, defang
from accounts.permissions.roles import Role
from accounts.validation.addresses import shown

ARTICLES = {Role.OWNER: "an owner", Role.ADMIN: "an admin", Role.MEMBER: "a member", Role.VIEWER: "a viewer"}


def invitation(one: Invitation, inviter: Membership, link: str) -> Email:
    organization = defang(one.organization.name)
    whom = f"{defang(inviter.user.display_name)} ({defang(shown(inviter.user.email))})"
    return Email(
        f"You are invited to {organization}",
        (f"{whom} invites you to join {organization} on Tessera as {article(one.role)}.",),
        link,
        "See the invitation",
        (
            f"The link works once, for this address only, until {dates.exactly(one.expires_at)}.",
            "If you do not know the sender, you can ignore this mail: nothing happens without the link.",
        ),
    )


def first_owner(organization: Organization, link: str) -> Email:
    """To the owner of an organization that staff have created, whose address is not confirmed yet."""
    name = defang(organization.name)
    return Email(
        f"{name} is ready on Tessera",
        (
            f"Tessera's staff have created {name}, and made you its owner.",
            "The link confirms this address and asks for a password of your own.",
        ),
        link,
        "Confirm this address",
        (
            f"The link works once and for {dates.duration(settings.VERIFICATION_SECONDS)}.",
            f"Later, ask for a new one: {settings.BASE_URL}{reverse('account_reset_password')}",
            "If you do not expect this, ignore this mail: without the link, the account cannot be used.",
        ),
    )


def role_changed(member: Membership, by: str) -> Email:
    organization = defang(member.organization.name)
    return _about_members(
        f"Your role in {organization} was changed",
        f"{defang(by)} has made you {article(member.role)} of {organization}.",
    )


def permissions_changed(member: Membership, by: str) -> Email:
    organization = defang(member.organization.name)
    return _about_members(
        f"Your permissions in {organization} were changed",
        f"{defang(by)} has changed what you may do in {organization} beyond your role.",
    )


def new_owner(member: Membership, by: str) -> Email:
    organization = defang(member.organization.name)
    whom = f"{defang(member.user.display_name)} ({defang(shown(member.user.email))})"
    return _about_members(
        f"{organization} has a new owner",
        f"{defang(by)} has made {whom} an owner of {organization}. Owners may do everything there.",
    )


def removed(organization: Organization) -> Email:
    name = defang(organization.name)
    sentence = (
        f"You were removed from {name} on Tessera. Your sessions there have ended, and so have the API "
        "tokens that were not transferred. Your account stays."
    )
    return Email(f"You no longer belong to {name}", (sentence,))


def article(role: str) -> str:
    """``an admin``."""
    return ARTICLES[Role(role)]


def _about_members(subject: str, sentence: str) -> Email:
    return Email(subject, (sentence,), f"{settings.BASE_URL}{reverse('members')}", "See the members", ())
