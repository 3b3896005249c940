"""Every credential at rest: tokens, OAuth clients, grants and their refresh tokens."""

from tokens.models.client import ClientSecret, OAuthClient
from tokens.models.grant import Grant, GrantKind, RefreshToken
from tokens.models.service_account import (
    EXPIRING_DAYS,
    MAX_DAYS,
    MOST_PERMISSIONS,
    MOST_REQUESTS,
    ServiceAccountToken,
    Status,
    TokenQuerySet,
)
from tokens.models.token_secret import DIGEST_BYTES, TokenSecret, TokenSecretQuerySet

__all__ = [
    "DIGEST_BYTES",
    "EXPIRING_DAYS",
    "MAX_DAYS",
    "MOST_PERMISSIONS",
    "MOST_REQUESTS",
    "ClientSecret",
    "Grant",
    "GrantKind",
    "OAuthClient",
    "RefreshToken",
    "ServiceAccountToken",
    "Status",
    "TokenQuerySet",
    "TokenSecret",
    "TokenSecretQuerySet",
]
