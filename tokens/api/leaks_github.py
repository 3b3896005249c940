"""Endpoint of GitHub's secret scanning partner program.

https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.authentication import request_limits
from accounts.drf.fields import BoundedList, CamelCase, String
from accounts.drf.parsers import StrictJSONArrayParser
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.oidc.http import ProviderDown
from tokens.api import examples
from tokens.credentials import github_signature
from tokens.service_accounts import leak

KEY_ID, SIGNATURE = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
MOST_MATCHES = 1000
LONGEST_SOURCE = 60
INVALID_SIGNATURE = ErrorCode(403, "The signature is missing or is not GitHub's", "invalid_signature")


class MatchSerializer(CamelCase):
    """One match of the scan. GitHub may add members, which are ignored."""

    token = String(max_length=1000)
    type = String(max_length=200)
    url = String(max_length=4000, allow_blank=True, allow_null=True, default="")
    # DRF's annotation of Field.source does not allow a field of that name.
    source = String(  # type: ignore[assignment]
        max_length=200, allow_blank=True, allow_null=True, default=""
    )


class Matches(BoundedList):
    child = MatchSerializer()


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=description)


@extend_schema(tags=["Leaks"])
class GitHubLeaksView(PublicView):
    parser_classes = (StrictJSONArrayParser,)
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (INVALID_SIGNATURE, errors.NOT_FOUND, errors.RATE_LIMITED)
    }

    @extend_schema(
        operation_id="reportLeaksByGitHub",
        summary="Secrets that GitHub found in public",
        parameters=[
            _header(KEY_ID, "The id of the key that signed the body."),
            _header(SIGNATURE, "ECDSA P-256 with SHA-256 over the raw body: base64 of DER."),
        ],
        request=MatchSerializer(many=True),
        responses={200: {"type": "array", "maxItems": 0, "items": {}}},
        examples=[examples.GITHUB_MATCHES],
    )
    def post(self, request: Request) -> Response:
        """Each match is treated as a report to `/api/v1/leaks`.

        The response is an empty list, because it would otherwise tell which secrets were valid.
        """
        if not settings.GITHUB_LEAK_KEYS_URL:
            raise APIError(errors.NOT_FOUND)
        with request_limits.counting_refusal(request._request):
            _verify(request)
        for match in _matches(request.data):
            where = f" ({match['source'][:LONGEST_SOURCE]})" if match["source"] else ""
            leak.report(secret=match["token"], source=f"GitHub{where}", url=match["url"] or "")
        return Response([])


def _verify(request: Request) -> None:
    # The raw body has to be read before the framework parses it.
    body = request._request.body
    try:
        github_signature.verify(body, request.headers.get(KEY_ID, ""), request.headers.get(SIGNATURE, ""))
    except github_signature.InvalidSignature:
        raise APIError(INVALID_SIGNATURE) from None
    except ProviderDown:
        raise APIError(errors.UNAVAILABLE, detail="GitHub's public keys are unavailable.") from None


def _matches(data: Any) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = Matches(max_length=MOST_MATCHES).run_validation(data)
    except serializers.ValidationError as problem:
        raise serializers.ValidationError({"matches": problem.detail}) from None
    return found
