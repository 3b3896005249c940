"""The organization of an API request, and the ids in its path."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from rest_framework.request import Request

from accounts import errors, typeid
from accounts.errors import APIError
from accounts.permissions.actor import Actor


def caller(request: Request) -> Actor:
    """Return the actor that BearerAuthentication has set on the request."""
    return cast(Actor, request.auth)


def organization_id(request: Request) -> UUID:
    """Return the id of the caller's organization, from the credential and never from the request's data."""
    found = caller(request).organization_id
    if found is None:
        raise APIError(errors.FORBIDDEN)
    return found


def parse_id(prefix: str, text: str) -> UUID:
    """Return the UUID of a public id; raises APIError(not_found) for a malformed id."""
    try:
        return typeid.decode(prefix, text)
    except ValueError:
        raise APIError(errors.NOT_FOUND) from None
