"""Public endpoint for reports of secrets that were found in public."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.api.registration_serializers import Accepted
from accounts.authentication import request_limits
from accounts.drf.fields import StrictSerializer, String, Text
from accounts.drf.views import PublicView
from accounts.errors import ErrorCode
from tokens.api import examples
from tokens.service_accounts import leak

ACCEPTED = "Thank you. If the secret is valid here, it is treated as its owners want, and they get a mail."


class LeakReport(StrictSerializer):
    """A secret, and where it was found."""

    token = String(max_length=1000, help_text="The whole secret of an API token or an OAuth client.")
    # DRF's annotation of Field.source does not allow a field of that name.
    source = Text(  # type: ignore[assignment]
        max_length=100, help_text="Where it was found, for instance `public repository`."
    )
    url = String(
        max_length=2000,
        allow_blank=True,
        default="",
        help_text="The page on which it was found. Only its host is kept.",
    )


@extend_schema(tags=["Leaks"])
class LeaksView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.RATE_LIMITED,)}

    @extend_schema(
        operation_id="reportLeak",
        summary="Report a secret found in public",
        request=LeakReport,
        responses={202: Accepted},
        examples=[examples.LEAK],
    )
    def post(self, request: Request) -> Response:
        """Anyone may report a secret. Depending on the organization's policy it is revoked at once.

        The response never tells whether the secret was valid.
        """
        body = LeakReport(data=request.data)
        body.is_valid(raise_exception=True)
        request_limits.check_leak_report(request._request)
        found = body.validated_data
        leak.report(secret=found["token"], source=found["source"], url=found["url"])
        return Response({"status": "accepted", "detail": ACCEPTED}, status=202)
