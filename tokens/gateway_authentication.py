"""Django REST framework authentication for an API behind a gateway that asks Tessera about each request.

Copy this file into your API, which needs nothing else of Tessera, and name the class in its settings:

    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["your_api.gateway_authentication.GatewayAuthentication"],
    }

If the gateway asks with `&metadata=1`, name MetadataGatewayAuthentication instead.

The headers prove nothing by themselves. The gateway must remove every `X-Tessera-` header that a client
sends, and your API must be reachable through the gateway only.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

ACTOR_TYPES = ("service_account", "user", "client")


@dataclass(frozen=True, slots=True)
class GatewayUser:
    """The caller, as ``request.user``: ``subject`` is a `tok_…`, `usr_…` or `cli_…` ID.

    ``permissions`` may be cut short. Let the gateway decide by `require`, which sees all of them.
    """

    actor_type: str
    subject: str
    organization_id: str
    permissions: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)
    organization_metadata: Mapping[str, str] = field(default_factory=dict, compare=False)

    is_authenticated = True
    is_anonymous = False

    @property
    def pk(self) -> str:
        """What DRF's throttles count by."""
        return self.subject

    def __str__(self) -> str:
        return self.subject


class GatewayAuthentication(BaseAuthentication):
    """Accepts a request only if all four identity headers are there, and answers 401 otherwise.

    A client can name a header in `Connection`, and some proxies then remove it (RFC 9110 section 7.6.1). So a
    request that lacks one is refused, and never treated as anonymous.
    """

    def authenticate(self, request: Request) -> tuple[GatewayUser, None]:
        """Raises AuthenticationFailed."""
        actor_type = request.headers.get("X-Tessera-Actor-Type")
        subject = request.headers.get("X-Tessera-Subject")
        organization_id = request.headers.get("X-Tessera-Organization-Id")
        permissions = request.headers.get("X-Tessera-Permissions")
        # The list of permissions may be empty, but its header is always sent.
        if actor_type not in ACTOR_TYPES or not subject or not organization_id or permissions is None:
            raise AuthenticationFailed("The request did not come through the gateway.")
        return GatewayUser(actor_type, subject, organization_id, tuple(permissions.split())), None

    def authenticate_header(self, request: Request) -> str:
        """Name a scheme, without which DRF answers 403."""
        return "Bearer"


class MetadataGatewayAuthentication(GatewayAuthentication):
    """Also requires and reads the two headers with metadata, which the gateway gets with `&metadata=1`."""

    def authenticate(self, request: Request) -> tuple[GatewayUser, None]:
        """Raises AuthenticationFailed."""
        user, _ = super().authenticate(request)
        return replace(
            user,
            metadata=_decoded(request.headers.get("X-Tessera-Metadata")),
            organization_metadata=_decoded(request.headers.get("X-Tessera-Organization-Metadata")),
        ), None


def _decoded(header: str | None) -> dict[str, str]:
    """Return the JSON object of a header in base64url without padding."""
    try:
        found = json.loads(urlsafe_b64decode(f"{header or ''}==="))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AuthenticationFailed("The request did not come through the gateway.")
    return found
