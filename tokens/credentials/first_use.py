"""First use of a rotated token's new secret, which brings the end of the overlap forward."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from ratelimit.store.client import StoreUnavailable
from tokens.credentials.credential import Credential
from tokens.models import TokenSecret


def record(credential: Credential, now: datetime | None = None) -> None:
    """Record the first use of the presented secret, and shorten the previous one's validity.

    One of several parallel uses does so, and a later one changes nothing. Call it for a credential that
    ``awaits_first_use``.
    """
    # Redis may be unavailable after the commit. Then workers read the previous secret again once their cache
    # entries have expired. The new one was presented in good order, so its request succeeds.
    with suppress(StoreUnavailable), transaction.atomic():
        Organization.objects.lock_all(filter(None, [credential.organization_id]))
        now = now or timezone.now()
        secret = TokenSecret.objects.filter(pk__in=[credential.secret_id])
        if not secret.filter(first_used_at=None, revoked_at=None).update(first_used_at=now):
            return
        used = secret.get()
        end = now + timedelta(seconds=used.closes_previous_after_seconds or 0)
        # A later rotation may have superseded the used secret, which keeps its own overlap.
        previous = TokenSecret.objects.filter(token_id=used.token_id, pk__lt=used.pk, valid_until__gt=end)
        previous.update(valid_until=end)
        Organization.objects.advance(filter(None, [credential.organization_id]))
