"""Every credential at rest: tokens, OAuth clients, grants and their refresh tokens."""

from tokens.models.client import ClientSecret, OAuthClient
from tokens.models.grant import Grant, GrantKind, RefreshToken
from tokens.models.secret import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS
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
    "MAX_OVERLAP_SECONDS",
    "MOST_PERMISSIONS",
    "MOST_REQUESTS",
    "OVERLAP_SECONDS",
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
