"""Every credential of an organization ends with its deletion, in the same transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models.signals import pre_save

from accounts.audit import log
from accounts.models import Organization
from tokens.grants import engine
from tokens.lifecycle.revoke_all import running_tokens
from tokens.models import Grant, OAuthClient
from tokens.service_accounts.revoke import end_clients, stop

REASON = "The organization was deleted"


def connect() -> None:
    pre_save.connect(organization_saved, sender=Organization, dispatch_uid="tokens.organization_deleted")


@transaction.atomic
@log.batched()
def organization_saved(
    instance: Organization, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """``instance.ended_by`` is who deletes it, where a flow has said so; a restored one stays without."""
    if instance._state.adding or instance.deleted_at is None:
        return
    if update_fields is not None and "deleted_at" not in update_fields:
        return
    Organization.objects.lock_all([instance.pk])
    actor, moment = instance.ended_by, instance.deleted_at
    stop(running_tokens(instance.pk, moment), actor=actor, reason=REASON, now=moment)
    end_clients(list(OAuthClient.objects.filter(organization=instance.pk)), actor=actor, now=moment)
    engine.revoke(Grant.objects.filter(organization=instance.pk, revoked_at=None), reason=REASON, now=moment)
    Organization.objects.advance([instance.pk])
