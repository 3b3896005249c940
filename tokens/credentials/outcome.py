"""The outcome of authentication on a request. Nothing else writes these attributes."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.errors import APIError, ErrorCode
from tokens.credentials.credential import Credential, RefusedSecret
from tokens.credentials.refusal_limits import refuse


def store(request: HttpRequest, found: Credential | RefusedSecret | ErrorCode) -> Credential | None:
    """Set ``request.credential`` or, for a refusal, ``request.credential_error``. Returns the credential."""
    credential = found if isinstance(found, Credential) else None
    error: APIError | None = None if isinstance(found, Credential) else refuse(request, found)
    request.credential, request.credential_error = credential, error  # type: ignore[attr-defined]
    return credential
