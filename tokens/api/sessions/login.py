"""Session endpoints of seed 004: sign in, refresh, sign out. They neither set nor read cookies."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.authorization import policies
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.proof import Factor, proven
from ratelimit.client_ip import client_ip
from tokens.api.sessions.serializers import Login, Refresh, SignedIn, signed_in
from tokens.credentials.credential import Credential
from tokens.credentials.refusal_limits import refusal_limiter
from tokens.crypto import opaque
from tokens.grants import refresh_tokens
from tokens.grants.token_pair import TokenPair
from tokens.models import GrantKind
from tokens.sessions import session_errors, sessions, sign_in

# A grant of the password endpoint is refreshed at that endpoint only.
KINDS = (GrantKind.SESSION, GrantKind.SINGLE_SIGN_ON)


@extend_schema(tags=["Sessions"])
class LoginView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (
            session_errors.INVALID_CREDENTIALS,
            session_errors.MFA_REQUIRED,
            session_errors.INVALID_CODE,
            session_errors.EMAIL_NOT_VERIFIED,
            session_errors.NO_MEMBERSHIP,
            session_errors.ORGANIZATION_SUSPENDED,
            policies.SSO_REQUIRED,
            policies.MFA_REQUIRED,
            errors.RATE_LIMITED,
        )
    }

    @extend_schema(operation_id="login", summary="Sign in", request=Login, responses=SignedIn)
    def post(self, request: Request) -> Response:
        """Exchange an e-mail address and password for a session's tokens.

        A wrong password and an account that does not exist return the same error. Failed attempts are limited
        for each account and each address, together with those of every other login method.
        """
        body = Login(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        user = sign_in.check_password(request._request, email=wanted["email"], password=wanted["password"])
        proof = sign_in.check_second_factor(
            request._request, user, wanted.get("code", ""), proven(Factor.PASSWORD)
        )
        member = sessions.membership_of(user, wanted.get("organization"), proof=proof)
        tokens = sessions.open_session(
            user=user,
            membership=member,
            kind=GrantKind.SESSION,
            proof=proof,
            user_agent=request.headers.get("User-Agent", ""),
            address=client_ip(request._request),
        )
        return Response(signed_in(tokens, member))


@extend_schema(tags=["Sessions"])
class RefreshView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (session_errors.INVALID_REFRESH_TOKEN, errors.RATE_LIMITED)
    }

    @extend_schema(operation_id="refresh", summary="Refresh a session", request=Refresh, responses=SignedIn)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token, which works once, for an access token and the next refresh token.

        A repeat within 10 seconds returns the same tokens while the next refresh token is unused. Any other
        repeat ends the session, because its tokens may have been stolen.
        """
        body = Refresh(data=request.data)
        body.is_valid(raise_exception=True)
        tokens = refreshed(request, body.validated_data["refresh_token"], KINDS)
        return Response(signed_in(tokens, sessions.member_of(tokens.grant)))


@extend_schema(tags=["Sessions"])
class LogoutView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (session_errors.SESSION_REQUIRED,)}

    @extend_schema(operation_id="logout", summary="Sign out", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End the session of the bearer token, with its access and refresh tokens."""
        user_id, grant_id = session_of(request)
        sessions.end(user_id=user_id, grant_id=grant_id, reason=sessions.SIGNED_OUT)
        return Response(status=204)


def refreshed(
    request: Request,
    raw: str,
    kinds: tuple[GrantKind, ...],
    find_organization: Callable[[], UUID | None] = lambda: None,
) -> TokenPair:
    """Rotate a refresh token. A refused, well-formed token is counted against its address.

    ``find_organization`` returns the organization that the token must belong to. It is called only if the
    token may be looked up.
    """
    if not refresh_tokens.looks_real(raw):
        raise APIError(session_errors.INVALID_REFRESH_TOKEN)
    refusal_limiter.check_lookup(request._request, raw)
    try:
        return sessions.refresh(raw, kinds, find_organization())
    except APIError as exc:
        refusal_limiter.remember_refusal(opaque.digest(raw))
        raise refusal_limiter.count(request._request, exc) from None


def session_of(request: Request) -> tuple[UUID, UUID]:
    """Return the user and grant ids of the bearer token. Raises APIError if it is no person's session."""
    credential = cast(Credential, request.auth)
    if credential.auth_kind != "session" or credential.user_id is None or credential.grant_id is None:
        raise APIError(session_errors.SESSION_REQUIRED)
    return credential.user_id, credential.grant_id
