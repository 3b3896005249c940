"""Sign-in at the API with the secret of a mailed link."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.api.registration import INVALID_LINK
from accounts.api.registration_serializers import LONGEST_SECRET
from accounts.authentication import request_limits
from accounts.authentication.mailed_links import InvalidLink
from accounts.authorization import policies
from accounts.drf.fields import Secret, StrictSerializer, Text
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.proof import Factor, proven
from accounts.registration import magic_links
from ratelimit.client_ip import client_ip
from tokens.api.sessions.serializers import SignedIn, signed_in
from tokens.models import GrantKind
from tokens.sessions import session_errors, sessions, sign_in


class MagicLink(StrictSerializer):
    token = Secret(max_length=LONGEST_SECRET, help_text="The last part of the mailed link.")
    organization = Text(max_length=60, required=False, help_text="Id or slug, as at sign-in.")
    code = Text(max_length=40, required=False, help_text="Required if the second factor is on.")


@extend_schema(tags=["Sessions"])
class MagicLinkVerifyView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (
            INVALID_LINK,
            session_errors.MFA_REQUIRED,
            session_errors.INVALID_CODE,
            session_errors.NO_MEMBERSHIP,
            session_errors.ORGANIZATION_SUSPENDED,
            policies.SSO_REQUIRED,
            policies.MFA_REQUIRED,
            errors.RATE_LIMITED,
        )
    }

    @extend_schema(
        operation_id="signInByMagicLink", summary="Sign in by link", request=MagicLink, responses=SignedIn
    )
    def post(self, request: Request) -> Response:
        """Exchange a mailed link for a session's tokens. Only a successful sign-in uses the link."""
        body = MagicLink(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        request_limits.check_secret(request._request)
        try:
            link = magic_links.find(wanted["token"])
            # An unconfirmed sign-up gets its account by the link, without a password.
            user = link.user or magic_links.use(link)
            proof = sign_in.check_second_factor(
                request._request, user, wanted.get("code", ""), proven(Factor.MAIL)
            )
            member = sessions.membership_of(user, wanted.get("organization"), proof=proof)
            user = magic_links.use(link) if link.user else user
        except InvalidLink:
            raise APIError(INVALID_LINK) from None
        tokens = sessions.open_session(
            user=user,
            membership=member,
            kind=GrantKind.SESSION,
            proof=proof,
            user_agent=request.headers.get("User-Agent", ""),
            address=client_ip(request._request),
        )
        return Response(signed_in(tokens, member))
