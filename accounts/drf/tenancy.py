"""Inside which organization an API request works, and which ids it may name there."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from rest_framework.request import Request

from accounts import errors, typeid
from accounts.errors import APIError
from accounts.permissions.actor import Actor


def caller(request: Request) -> Actor:
    """Who asks, as BearerAuthentication has put it on the request."""
    return cast(Actor, request.auth)


def organization_id(request: Request) -> UUID:
    """The caller's organization, which never comes from anything that the caller wrote."""
    found = caller(request).organization_id
    if found is None:
        raise APIError(errors.FORBIDDEN)
    return found


def parse_id(prefix: str, text: str) -> UUID:
    """The UUID of a public id; a malformed one is refused exactly like one that does not exist."""
    try:
        return typeid.decode(prefix, text)
    except ValueError:
        raise APIError(errors.NOT_FOUND) from None
