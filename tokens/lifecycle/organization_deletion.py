"""Signal receiver that revokes an organization's credentials when it is deleted, in the same transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from accounts.audit import log
from accounts.models import Organization
from accounts.models.signals import organization_saving
from accounts.permissions.actor import Actor
from tokens.grants import revocation
from tokens.lifecycle.revoke_all import running_tokens
from tokens.models import Grant, OAuthClient
from tokens.service_accounts.revoke import end_clients, stop

REASON = "The organization was deleted"


def connect() -> None:
    organization_saving.connect(organization_saved, dispatch_uid="tokens.organization_deleted")


@transaction.atomic
@log.batched()
def organization_saved(
    instance: Organization, actor: Actor, update_fields: Collection[str] | None, **_: Any
) -> None:
    """Revoke every credential of a deleted organization. A restored one has none."""
    if instance._state.adding or instance.deleted_at is None:
        return
    if update_fields is not None and "deleted_at" not in update_fields:
        return
    Organization.objects.lock_all([instance.pk])
    moment = instance.deleted_at
    stop(running_tokens(instance.pk, moment), actor=actor, reason=REASON, now=moment)
    end_clients(list(OAuthClient.objects.filter(organization=instance.pk)), actor=actor, now=moment)
    revocation.revoke(
        Grant.objects.filter(organization=instance.pk, revoked_at=None), reason=REASON, now=moment
    )
    Organization.objects.advance([instance.pk])
