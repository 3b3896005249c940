"""Exchange of a browser session for an API session, for our own pages that call the API."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors
from accounts.authentication import browser_proof, browser_sessions, support_sessions
from accounts.authentication.current_organization import SESSION_KEY
from accounts.authorization import policies
from accounts.drf.fields import StrictSerializer, Text
from accounts.drf.views import PublicView
from accounts.errors import APIError, ErrorCode
from accounts.models import Membership, User
from ratelimit import limiter
from ratelimit.client_ip import client_ip
from ratelimit.types import FixedWindow
from tokens.api.sessions.serializers import SignedIn, signed_in
from tokens.models import GrantKind
from tokens.sessions import session_errors, sessions

NOT_SIGNED_IN = ErrorCode(401, "Sign in first", "not_signed_in", "")
CSRF_FAILED = ErrorCode(403, "The CSRF token is missing or wrong", "csrf_failed")
EXCHANGES_PER_MINUTE = 60


class Exchange(StrictSerializer):
    organization = Text(
        max_length=60,
        required=False,
        help_text="Id or slug; by default the one selected in the browser.",
    )


@extend_schema(tags=["Sessions"])
class ExchangeView(PublicView):
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (
            NOT_SIGNED_IN,
            CSRF_FAILED,
            session_errors.INVALID_CREDENTIALS,
            session_errors.NO_MEMBERSHIP,
            session_errors.ORGANIZATION_SUSPENDED,
            policies.SSO_REQUIRED,
            policies.MFA_REQUIRED,
            support_sessions.READ_ONLY,
            errors.RATE_LIMITED,
        )
    }

    def perform_authentication(self, request: Request) -> None:
        """Do nothing: the browser session is the credential, and DRF would replace Django's user."""

    @extend_schema(
        operation_id="exchangeBrowserSession",
        summary="Exchange a browser session",
        request=Exchange,
        responses=SignedIn,
    )
    def post(self, request: Request) -> Response:
        """Exchange the session cookie of a signed-in browser, with its CSRF token, for a session's tokens.

        The access token is valid for 2 hours after single sign-on, else for 15 minutes. A bearer token is
        not read.
        """
        user = _person(request)
        body = Exchange(data=request.data)
        body.is_valid(raise_exception=True)
        browser = request._request
        proof = browser_proof.of_request(browser)
        member = sessions.membership_of(
            user,
            body.validated_data.get("organization") or _selected_organization(request, user),
            proof=proof,
        )
        tokens = sessions.open_session(
            user=user,
            membership=member,
            kind=GrantKind.SINGLE_SIGN_ON if proof.by_provider else GrantKind.SESSION,
            proof=proof,
            browser=browser_sessions.current(browser),
            user_agent=request.headers.get("User-Agent", ""),
            address=client_ip(browser),
        )
        return Response(signed_in(tokens, member))


def _person(request: Request) -> User:
    """Return the user of the browser session, after the CSRF check. Raises APIError."""
    browser = request._request
    if not isinstance(browser.user, User):
        raise APIError(NOT_SIGNED_IN)
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(browser)
    if check.process_view(browser, None, (), {}) is not None:  # type: ignore[arg-type]
        raise APIError(CSRF_FAILED)
    window = FixedWindow("exchange", f"exchange:{browser.user.pk}", EXCHANGES_PER_MINUTE, 60)
    admitted, ends_in = limiter.hit_window(window)
    if not admitted:
        raise APIError(errors.RATE_LIMITED, retry_after=ends_in)
    return browser.user


def _selected_organization(request: Request, user: User) -> str | None:
    """Return the id of the organization selected in the browser, or None if the user has left it."""
    chosen = request._request.session.get(SESSION_KEY)
    mine = Membership.objects.of(user)
    found = mine.filter(organization_id=chosen).first() if chosen else None
    return found.organization.public_id if found else None
