"""End users of an organization's product: a row for each UUID, created by its first request."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts import errors
from accounts.errors import APIError, ErrorCode
from accounts.models import Organization
from accounts.models.index import EndUser, EndUserCount
from ratelimit import limiter
from ratelimit.types import FixedWindow

LIMIT_REACHED = ErrorCode(409, "End user limit reached", "end_user_limit_reached")


def find_or_create(organization_id: UUID, uuid: UUID) -> EndUser:
    """Get or create the organization's record of the UUID, in one query if it exists.

    Raises APIError: rate_limited past END_USERS_PER_MINUTE new ones, end_user_limit_reached at
    END_USERS_PER_ORGANIZATION, token_revoked where the organization has just been deleted.
    """
    found = EndUser.objects.filter(organization_id=organization_id, uuid=uuid).first()
    if found is not None:
        return found
    window = FixedWindow("end-users", f"end-users:{organization_id.hex}", settings.END_USERS_PER_MINUTE)
    admitted, ends_in = limiter.hit_window(window)
    if not admitted:
        raise APIError(errors.RATE_LIMITED, retry_after=ends_in)
    return _create(organization_id, uuid)


@transaction.atomic
def _create(organization_id: UUID, uuid: UUID) -> EndUser:
    try:
        Organization.objects.locked(organization_id)
    except Organization.DoesNotExist:
        raise APIError(errors.TOKEN_REVOKED) from None
    # Another request may have created the record while this one waited for the lock.
    found = EndUser.objects.filter(organization_id=organization_id, uuid=uuid).first()
    if found is not None:
        return found
    count, _ = EndUserCount.objects.get_or_create(organization_id=organization_id)
    limit = settings.END_USERS_PER_ORGANIZATION
    if count.count >= limit:
        raise APIError(LIMIT_REACHED, limit=limit)
    EndUserCount.objects.filter(pk=organization_id).update(count=F("count") + 1)
    return EndUser.objects.create(organization_id=organization_id, uuid=uuid)
