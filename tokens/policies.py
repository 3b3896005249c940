"""A policy that an organization begins to ask for ends what was opened without it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.signals import pre_save

from accounts import second_factor
from accounts.models import Organization
from accounts.roles import Role
from tokens import grants
from tokens.models import Grant, GrantKind

SSO_REQUIRED = "The organization requires single sign-on now"
MFA_REQUIRED = "The organization requires a second factor now"
POLICIES = {"sso_required", "mfa_required"}


def connect() -> None:
    pre_save.connect(organization_saved, sender=Organization, dispatch_uid="tokens.organization_saved")


@transaction.atomic
def organization_saved(
    instance: Organization, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """Browsers need no ending: their pages ask at each request."""
    if instance._state.adding or (update_fields is not None and not POLICIES.intersection(update_fields)):
        return
    found = Organization.objects.filter(pk=instance.pk).values_list("sso_required", "mfa_required").first()
    before = found or (False, False)
    people = Grant.objects.filter(organization_id=instance.pk, revoked_at=None).exclude(user=None)
    if instance.sso_required and not before[0]:
        by_password = people.exclude(kind=GrantKind.SINGLE_SIGN_ON).exclude(membership__role=Role.OWNER)
        grants.revoke(by_password, reason=SSO_REQUIRED)
    if instance.mfa_required and not before[1]:
        factor = Authenticator.objects.filter(user=OuterRef("user_id"), type__in=second_factor.FACTORS)
        grants.revoke(people.exclude(Exists(factor)), reason=MFA_REQUIRED)
