"""Signal receiver that revokes the API sessions which do not meet a changed sign-in policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import pre_save

from accounts.authorization import policies
from accounts.authorization.policies import MFA_REQUIRED, SSO_REQUIRED, SignInPolicy
from accounts.errors import ErrorCode
from accounts.models import Organization
from accounts.proof import Proof
from tokens.grants import revocation
from tokens.models import Grant

REASONS = {
    SSO_REQUIRED: "The organization requires single sign-on now",
    MFA_REQUIRED: "The organization requires a second factor now",
}


def connect() -> None:
    pre_save.connect(organization_saved, sender=Organization, dispatch_uid="tokens.organization_saved")


@transaction.atomic
def organization_saved(
    instance: Organization, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """Revoke API sessions. Browser sessions are checked against the policy at each request."""
    if instance._state.adding or not set(policies.FIELDS).intersection(update_fields or policies.FIELDS):
        return
    before, wanted = Organization.objects.filter(pk=instance.pk).first(), policies.of(instance)
    if before is None or policies.of(before) == wanted:
        return
    for error, ending in _unmet(instance.pk, wanted).items():
        revocation.revoke(Grant.objects.filter(pk__in=ending), reason=REASONS[error])


def _unmet(organization_id: UUID, policy: SignInPolicy) -> dict[ErrorCode, list[UUID]]:
    people = Grant.objects.filter(organization_id=organization_id, revoked_at=None, client=None)
    ending: dict[ErrorCode, list[UUID]] = defaultdict(list)
    for pk, role, stored in people.values_list("pk", "membership__role", "proof"):
        if error := policies.unmet(policy, role, Proof.of(stored)):
            ending[error].append(pk)
    return ending
