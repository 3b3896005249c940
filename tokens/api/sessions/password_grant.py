"""The password grant of seed 000, for programs written for Supabase.

Not part of the OAuth service, because RFC 9700 section 2.4 forbids this grant there: it has its own path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.authentication import second_factor
from accounts.authorization import policies
from accounts.drf.fields import Secret, Text
from accounts.drf.parsers import StrictJSONParser
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.models import PUBLISHABLE_PREFIX, Membership, Organization, User
from accounts.proof import Factor, Proof, proven
from ratelimit.client_ip import client_ip
from tokens.api.sessions.login import refreshed
from tokens.api.sessions.serializers import LONGEST_PASSWORD, PasswordGranted, Refresh, password_granted
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.grants.token_pair import TokenPair
from tokens.models import GrantKind
from tokens.sessions import session_errors, sessions, sign_in

PASSWORD, REFRESH = "password", "refresh_token"
KINDS = (GrantKind.PASSWORD,)
PUBLISHABLE_KEY = re.compile(rf"{PUBLISHABLE_PREFIX}[A-Za-z0-9]{{43}}", re.ASCII)
CREDENTIALS = ("email", "username", "password", "refresh_token", "apikey", "access_token")


class PasswordRequest(serializers.Serializer[Any]):
    """Unknown members are ignored, because Supabase's client sends some."""

    email = Text(max_length=254)
    password = Secret(max_length=LONGEST_PASSWORD)


class PasswordGrantView(PublicView):
    parser_classes = (StrictJSONParser, FormParser)
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (
            errors.INVALID_TOKEN,
            session_errors.INVALID_CREDENTIALS,
            session_errors.INVALID_REFRESH_TOKEN,
            session_errors.MFA_REQUIRED,
            session_errors.EMAIL_NOT_VERIFIED,
            session_errors.NO_MEMBERSHIP,
            session_errors.ORGANIZATION_SUSPENDED,
            policies.SSO_REQUIRED,
            policies.MFA_REQUIRED,
            errors.RATE_LIMITED,
        )
    }

    @extend_schema(
        tags=["Sessions"],
        operation_id="passwordGrant",
        summary="Exchange a password, or a refresh token",
        parameters=[
            OpenApiParameter("grant_type", {"type": "string", "enum": [PASSWORD, REFRESH]}, required=True),
            OpenApiParameter(
                "apikey",
                {"type": "string"},
                OpenApiParameter.HEADER,
                description="The organization's publishable key. It identifies the organization and grants "
                "nothing. A person of a single organization may omit it.",
            ),
        ],
        request=PasswordRequest,
        responses=PasswordGranted,
    )
    def post(self, request: Request) -> Response:
        """With `grant_type=refresh_token` the body is `{refresh_token}`. JSON and forms are read alike.

        APIError for users whose second factor is on: they sign in at `/v1/auth/login`.
        """
        body = _body(request)
        grant_type = _grant_type(request, body)
        key = _publishable_key(request)
        if grant_type == REFRESH:
            wanted = Refresh(data=body)
            wanted.is_valid(raise_exception=True)
            raw = wanted.validated_data["refresh_token"]
            return _granted(refreshed(request, raw, KINDS, partial(_organization, key)))
        return _granted(_open(request, body, _counted_organization(request, key)))


def _open(request: Request, body: dict[str, Any], organization_id: UUID | None) -> TokenPair:
    serializer = PasswordRequest(
        data=body | {"email": body.get("email", body.get("username", serializers.empty))}
    )
    serializer.is_valid(raise_exception=True)
    user = sign_in.check_password(request._request, **serializer.validated_data)
    if second_factor.is_on(user):
        detail = "This grant takes no code. Sign in at /v1/auth/login."
        raise APIError(session_errors.MFA_REQUIRED, detail=detail)
    proof = proven(Factor.PASSWORD)
    return sessions.open_session(
        user=user,
        membership=_membership(user, organization_id, proof),
        kind=GrantKind.PASSWORD,
        proof=proof,
        user_agent=request.headers.get("User-Agent", ""),
        address=client_ip(request._request),
    )


def _membership(user: User, organization_id: UUID | None, proof: Proof) -> Membership:
    """Return the user's membership in the key's organization, or their only membership."""
    mine = Membership.objects.of(user).select_related("organization", "user")
    if organization_id is not None:
        return sessions.check_membership(mine.filter(organization_id=organization_id).first(), proof=proof)
    found = list(mine[:2])
    if len(found) > 1:
        sentence = "You belong to several organizations: send the publishable key of one of them."
        raise APIError(errors.INVALID_REQUEST, fields={"apikey": [sentence]})
    return sessions.check_membership(found[0] if found else None, proof=proof)


def _publishable_key(request: Request) -> str | None:
    """Return the key, or None. Raises APIError(invalid_token) for a malformed one."""
    key = request.headers.get("apikey")
    if key is not None and not PUBLISHABLE_KEY.fullmatch(key):
        raise APIError(errors.INVALID_TOKEN)
    return key


def _organization(key: str | None) -> UUID | None:
    """Return the organization of the key, or None. Raises APIError(invalid_token) for an unknown key."""
    if key is None:
        return None
    found = (
        Organization.objects.not_deleted().filter(publishable_key=key).values_list("pk", flat=True).first()
    )
    if found is None:
        raise APIError(errors.INVALID_TOKEN)
    return found


def _counted_organization(request: Request, key: str | None) -> UUID | None:
    """Return the organization of the key, and count an unknown key against its address."""
    if key is not None:
        refusal_limiter.check_lookup(request._request, key)
    try:
        return _organization(key)
    except APIError as exc:
        raise refusal_limiter.count(request._request, exc) from None


def _grant_type(request: Request, body: Mapping[str, Any]) -> str:
    """Return the grant type from the query, as in the seed, or from a form (RFC 6749 section 4.3.2)."""
    for name in CREDENTIALS:
        if name in request.query_params:
            sentence = "Do not put this in the URL. Send it in the body."
            raise APIError(errors.INVALID_REQUEST, fields={name: [sentence]})
    given = [place["grant_type"] for place in (request.query_params, body) if "grant_type" in place]
    for grant_type in (PASSWORD, REFRESH):
        if given and all(one == grant_type for one in given):
            return grant_type
    sentence = f"This is either {PASSWORD} or {REFRESH}."
    raise APIError(errors.INVALID_REQUEST, fields={"grant_type": [sentence]})


def _body(request: Request) -> dict[str, Any]:
    """Return the members of the JSON or form. Raises APIError for a repeated form field."""
    data = request.data
    if not hasattr(data, "lists"):
        return dict(data)
    if repeated := [name for name, values in data.lists() if len(values) > 1]:
        raise APIError(errors.INVALID_REQUEST, fields={repeated[0]: ["Give this once only."]})
    return {name: values[0] for name, values in data.lists()}


def _granted(tokens: TokenPair) -> Response:
    return Response(password_granted(tokens, sessions.member_of(tokens.grant), timezone.now()))
