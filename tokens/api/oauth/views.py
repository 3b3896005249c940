"""OAuth endpoints over HTTP (RFC 6749, RFC 7009, RFC 7662)."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http.request import UnreadablePostError
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.drf.exception_handler import is_store_failure, log_unavailable
from ratelimit.client_ip import client_ip
from tokens.api.oauth.openapi import OAuthOperation
from tokens.api.oauth.serializers import (
    Introspection,
    IntrospectionRequest,
    RevocationRequest,
    TokenRequest,
    TokenResponse,
)
from tokens.credentials.allowed_addresses import with_hint
from tokens.oauth import introspection, revocation, token_endpoint
from tokens.oauth.errors import HEADERS, AddressNotAllowed, OAuthError, invalid_request, unavailable
from tokens.oauth.requests import FORM, read_form


class OAuthView(APIView):
    """Base of views that authenticate a client by the form or HTTP Basic, and parse the body themselves."""

    public = True
    http_method_names = ("post",)
    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    schema = OAuthOperation()

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed_methods), **HEADERS}

    def handle_exception(self, exc: Exception) -> Response:
        problem = oauth_error_of(exc)
        if problem is None:
            return super().handle_exception(exc)
        if isinstance(problem, AddressNotAllowed):
            problem.description = with_hint(self.request._request, problem.description)
        if problem.status == 503:
            log_unavailable(exc, self.request._request)
        response = Response(problem.body, status=problem.status, headers=problem.headers)
        response.exception = True
        return response


class TokenView(OAuthView):
    @extend_schema(
        operation_id="exchangeToken",
        summary="Get or refresh an access token",
        tags=["OAuth 2.1"],
        request={FORM: TokenRequest},
        responses=TokenResponse,
    )
    def post(self, request: Request) -> Response:
        """RFC 6749: `client_credentials` with the client's id and secret, `refresh_token` for a new pair.

        A refresh token can be used once. A repeat within ten seconds returns the same successor while that is
        unused; any other reuse revokes the grant.
        """
        body = token_endpoint.exchange(
            form_of(request),
            authorization=authorization(request),
            address=client_ip(request._request),
        )
        return Response(body)


class RevocationView(OAuthView):
    @extend_schema(
        operation_id="revokeOAuthToken",
        summary="Revoke a token",
        tags=["OAuth 2.1"],
        request={FORM: RevocationRequest},
        responses={200: None},
    )
    def post(self, request: Request) -> Response:
        """RFC 7009: revokes the access and refresh tokens of the grant. An unknown token is no error."""
        address = client_ip(request._request)
        revocation.revoke(form_of(request), authorization=authorization(request), address=address)
        return Response({})


class IntrospectionView(OAuthView):
    @extend_schema(
        operation_id="introspectToken",
        summary="Introspect a token",
        tags=["OAuth 2.1"],
        request={FORM: IntrospectionRequest},
        responses=Introspection,
    )
    def post(self, request: Request) -> Response:
        """RFC 7662: tokens of other organizations are always inactive."""
        address = client_ip(request._request)
        found = introspection.introspect(
            form_of(request), authorization=authorization(request), address=address
        )
        return Response(found)


def form_of(request: Request) -> dict[str, str]:
    plain = request._request
    return read_form(plain.content_type or "", plain.body, plain.META.get("QUERY_STRING", ""))


def authorization(request: Request) -> str:
    return str(request._request.META.get("HTTP_AUTHORIZATION", ""))


def oauth_error_of(exc: Exception) -> OAuthError | None:
    """Convert an exception to an OAuth error, or None for an internal error."""
    if isinstance(exc, OAuthError):
        return exc
    if is_store_failure(exc):
        return unavailable()
    if isinstance(exc, MethodNotAllowed):
        return invalid_request("Use POST.", 405)
    if isinstance(exc, RequestDataTooBig):
        return invalid_request("The body is larger than 1 MB.", 413)
    if isinstance(exc, UnreadablePostError):
        return invalid_request("The body ended before it was complete.")
    return None
