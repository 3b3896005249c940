"""Unauthenticated endpoints, whose responses do not reveal whether an account exists."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.api.registration_serializers import Accepted, EmailAsked, PasswordReset, SignUp
from accounts.authentication import request_limits
from accounts.authentication.mailed_links import InvalidLink
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.registration import browser_sign_ups, magic_links, password_reset
from accounts.registration.sign_up import sign_up

INVALID_LINK = ErrorCode(400, "This link is not valid any more", "invalid_link")
SIGNED_UP = "Done. Where the address has to be confirmed, a mail with a link is on its way."
LINK_SENT = "A mail is on its way. If an account has this address, it holds a link."


@extend_schema(tags=["Sessions"])
class SignUpView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (errors.NOT_FOUND, errors.INVITATION_GONE, errors.FORBIDDEN, errors.RATE_LIMITED)
    }

    @extend_schema(operation_id="signUp", summary="Sign up", request=SignUp, responses={202: Accepted})
    def post(self, request: Request) -> Response:
        """Mail a link that opens the account and an organization of its own; before that, neither exists.

        The response is the same for an address that has an account; its owner gets a mail. Where the
        link is opened in another browser than the one that signed up, it asks for a new password.
        """
        body = SignUp(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        request_limits.check_sign_up(request._request)
        try:
            claim = sign_up(
                email=wanted["email"],
                password=wanted["password"],
                name=wanted["name"],
                organization_name=wanted.get("organization_name", ""),
                invitation_token=wanted.get("invitation", ""),
            )
        except ValidationError as problem:
            raise _of_password(problem) from None
        response = _accepted(SIGNED_UP)
        browser_sign_ups.remember(request._request, response, claim)
        return response


@extend_schema(tags=["Sessions"])
class PasswordResetView(PublicView):
    @extend_schema(
        operation_id="askForPasswordReset",
        summary="Ask for a password reset",
        request=EmailAsked,
        responses={202: Accepted},
    )
    def post(self, request: Request) -> Response:
        """Mail a link that works once and for an hour; only the newest works."""
        email = _asked(request)
        if _may_ask(request):
            password_reset.request(email)
        return _accepted(LINK_SENT)


@extend_schema(tags=["Sessions"])
class PasswordResetConfirmView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (INVALID_LINK, errors.RATE_LIMITED)}

    @extend_schema(
        operation_id="resetPassword",
        summary="Set a new password",
        request=PasswordReset,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Revokes all sessions and grants of the user, who gets a mail. It does not sign the user in."""
        body = PasswordReset(data=request.data)
        body.is_valid(raise_exception=True)
        request_limits.check_secret(request._request)
        try:
            password_reset.confirm(body.validated_data["token"], body.validated_data["password"])
        except InvalidLink:
            raise APIError(INVALID_LINK) from None
        except ValidationError as problem:
            raise _of_password(problem) from None
        return Response(status=204)


@extend_schema(tags=["Sessions"])
class MagicLinkView(PublicView):
    @extend_schema(
        operation_id="askForMagicLink",
        summary="Ask for a link to sign in",
        request=EmailAsked,
        responses={202: Accepted},
    )
    def post(self, request: Request) -> Response:
        """Mail a link that works once and for ten minutes; only the newest works."""
        email = _asked(request)
        if _may_ask(request):
            magic_links.request(email)
        return _accepted(LINK_SENT)


def _asked(request: Request) -> str:
    body = EmailAsked(data=request.data)
    body.is_valid(raise_exception=True)
    email: str = body.validated_data["email"]
    return email


def _may_ask(request: Request) -> bool:
    """Return False over the rate limit: the response stays the same, and no mail is sent."""
    try:
        request_limits.check_request(request._request)
    except APIError:
        return False
    return True


def _accepted(detail: str) -> Response:
    return Response({"status": "accepted", "detail": detail}, status=202)


def _of_password(problem: ValidationError) -> APIError:
    return APIError(errors.INVALID_REQUEST, fields={"password": problem.messages})
