"""Pages of single sign-on: redirect to the provider, callback, and connecting an account."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.models import Login
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import errors
from accounts.authentication import browser_proof, request_limits, user_events
from accounts.authentication.user_events import ANONYMOUS
from accounts.errors import APIError
from accounts.models import User
from accounts.oidc import http, id_tokens
from accounts.oidc.http import Deadline, ProviderDown, ProviderRefused
from accounts.oidc.id_tokens import LEEWAY_SECONDS, Identity, InvalidIDToken
from accounts.oidc.providers import Provider, find
from accounts.pages.decorators import recently_authenticated
from accounts.pages.guests import guest_page, inside, too_many
from accounts.proof import Factor
from accounts.registration import onboarding, social_accounts
from accounts.registration.social_accounts import CannotSignIn
from accounts.validation.local_paths import is_local_path

logger = logging.getLogger(__name__)

SCOPE = "openid email profile"
LONGEST_CODE = 4096
DOWN, FAILED, CANCELLED, LOST, INVITATION = "down", "failed", "cancelled", "lost", "invitation"
OTHER_PERSON, NOT_RECENT = "other_person", "not_recent"
# OpenID Connect Core 3.1.2.1 and 5.5.1; Google returns auth_time only where it is asked for by name.
AUTH_TIME = {"claims": '{"id_token":{"auth_time":{"essential":true}}}'}
CHOOSE_ACCOUNT = {"prompt": "select_account", **AUTH_TIME}
PROVE_AGAIN = {"prompt": "login", "max_age": "0", **AUTH_TIME}
# A provider may sign a person in by a session of days ago: without auth_time nothing says that it is recent.
UNKNOWN_TIME = 0
STATUSES = {DOWN: 503, social_accounts.INACTIVE: 403, social_accounts.LAST_WAY_IN: 409}


@require_POST
@guest_page
def sign_in(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirect to the provider. It takes POST, so that no other site can start it (login CSRF)."""
    provider = _provider(slug)
    if response := inside(request):
        return response
    return _leave(request, provider, next=_next(request))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def reauthenticate(request: HttpRequest, slug: str) -> HttpResponse:
    """Reauthenticate at the provider, which asks the user to sign in again."""
    provider, user = _provider(slug), _signed_in(request)
    if slug not in social_accounts.of_user(user):
        raise Http404
    if request.method == "POST":
        state = {"reauthenticating": str(user.pk), "asked_at": int(time.time()), "next": _next(request)}
        return _leave(request, provider, PROVE_AGAIN, **state)
    others = [one for one in get_adapter().get_reauthentication_methods(user) if one["id"] != slug]
    wanted = request.GET.get("next", "")
    context = {
        "provider": provider,
        "path": f"{slug}_reauthenticate",
        "next": wanted if is_local_path(wanted) else "",
        "reauthentication_alternatives": [
            one | {"url": f"{one['url']}?{urlencode({'next': wanted})}"} for one in others
        ],
    }
    return render(request, "accounts/sign_in/sso_reauthenticate.html", context)


@require_POST
@login_required
@recently_authenticated
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirect to the provider, to connect an identity to the signed-in user."""
    return _leave(request, _provider(slug), user=str(request.user.pk))


@require_POST
@login_required
@recently_authenticated
def disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    provider = _provider(slug)
    try:
        social_accounts.disconnect(_signed_in(request), slug)
    except CannotSignIn as cannot:
        return _problem(request, provider, cannot.why)
    messages.success(request, f"{provider.name} is disconnected.")
    return redirect("security")


@require_safe
@guest_page
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Callback from the provider. The state is bound to this browser and provider, and single-use.

    A failed sign-in of a known identity is recorded in the audit logs of its user's organizations, any
    other one in the server's log only.
    """
    provider = _provider(slug)
    state = statekit.unstash_state(request, provider_id=slug, state_id=request.GET.get("state", ""))
    if state is None:
        return _problem(request, provider, LOST)
    code = request.GET.get("code", "")
    if "error" in request.GET or not 0 < len(code) <= LONGEST_CODE:
        return _problem(request, provider, CANCELLED if _is_cancelled(request) else FAILED)
    try:
        identity = _identity(provider, code, state)
        return _arrived(request, provider, identity, state)
    except ProviderDown as problem:
        logger.warning("Sign-in by %s: %s", slug, problem)
        return _problem(request, provider, DOWN)
    except (ProviderRefused, InvalidIDToken) as problem:
        logger.warning("Sign-in by %s was refused: %s", slug, problem)
        return _problem(request, provider, FAILED)
    except CannotSignIn as cannot:
        if cannot.user is not None:
            user_events.record(
                "sso.failed", cannot.user, ANONYMOUS, provider=provider.name, reason=cannot.why
            )
        else:
            logger.warning("Sign-in by %s was refused: %s", slug, cannot.why)
        return _problem(request, provider, cannot.why)
    except APIError as exc:
        if exc.error is errors.RATE_LIMITED:
            return too_many(request, exc)
        detail = exc.extra.get("detail", f"{exc.error.message}.")
        return _problem(request, provider, INVITATION, detail=detail)


def _leave(
    request: HttpRequest, provider: Provider, asked: dict[str, str] = CHOOSE_ACCOUNT, **state: Any
) -> HttpResponse:
    """Redirect to the provider's page, with a new state, nonce and PKCE challenge."""
    challenge = generate_code_challenge()
    state |= {"nonce": secrets.token_urlsafe(32), "verifier": challenge["code_verifier"]}
    state_id = statekit.stash_state(
        request, provider_id=provider.slug, state=state, state_id=secrets.token_urlsafe(32)
    )
    query = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": provider.callback_url,
        "scope": SCOPE,
        "state": state_id,
        "nonce": state["nonce"],
        "code_challenge": challenge["code_challenge"].decode(),
        "code_challenge_method": challenge["code_challenge_method"],
        **asked,
    }
    return redirect(f"{provider.authorize_url}?{urlencode(query)}")


def _identity(provider: Provider, code: str, state: dict[str, Any]) -> Identity:
    """Exchange the code for an ID token; the provider's other tokens are not kept."""
    deadline = Deadline()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.callback_url,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "code_verifier": state["verifier"],
    }
    answer = http.ask(provider.token_url, deadline, form)
    return id_tokens.verify(
        answer.get("id_token"),
        provider=provider,
        nonce=state["nonce"],
        access_token=answer.get("access_token"),
        deadline=deadline,
    )


def _arrived(
    request: HttpRequest, provider: Provider, identity: Identity, state: dict[str, Any]
) -> HttpResponse:
    if "reauthenticating" in state:
        return _reauthenticate(request, provider, identity, state)
    if "user" in state:
        return _connect(request, provider, identity, state["user"])
    return _sign_in(request, identity, state.get("next", ""))


def _sign_in(request: HttpRequest, identity: Identity, next_path: str) -> HttpResponse:
    if response := inside(request):
        return response
    user = social_accounts.person_of(identity)
    if user is None:
        request_limits.check_sign_up(request)
        invitation = request.session.get(onboarding.SESSION_KEY, "")
        user = social_accounts.sign_up(identity, invitation_token=invitation)
        request.session.pop(onboarding.SESSION_KEY, None)
    _record(request, user, identity)
    login = Login(user=user, email=user.email, redirect_url=next_path or None)
    entered: HttpResponse = perform_login(request, login)
    return entered


def _reauthenticate(
    request: HttpRequest, provider: Provider, identity: Identity, state: dict[str, Any]
) -> HttpResponse:
    """Continue after a reauthentication; an earlier sign-in at the provider does not count."""
    user = request.user
    if not isinstance(user, User) or str(user.pk) != state["reauthenticating"]:
        return _problem(request, provider, LOST)
    if social_accounts.person_of(identity) != user:
        return _problem(request, provider, OTHER_PERSON)
    if identity.authenticated_at is None or identity.authenticated_at < state["asked_at"] - LEEWAY_SECONDS:
        return _problem(request, provider, NOT_RECENT)
    _record(request, user, identity, reauthenticated=True)
    request.GET = QueryDict(urlencode({"next": state["next"] or settings.LOGIN_REDIRECT_URL}))
    return resume_request(request) or redirect(settings.LOGIN_REDIRECT_URL)


def _record(request: HttpRequest, user: User, identity: Identity, **more: bool) -> None:
    at = identity.authenticated_at
    browser_proof.record(
        request,
        user,
        Factor.PROVIDER,
        at=UNKNOWN_TIME if at is None else at,
        provider=identity.provider,
        issuer=identity.issuer,
        tenant=identity.tenant,
        domain=identity.domain,
        **more,
    )


def _connect(request: HttpRequest, provider: Provider, identity: Identity, user_id: str) -> HttpResponse:
    if not request.user.is_authenticated or str(request.user.pk) != user_id:
        return _problem(request, provider, LOST)
    social_accounts.connect(identity, _signed_in(request))
    messages.success(request, f"{provider.name} is connected. You can sign in with it from now on.")
    return redirect("security")


def _provider(slug: str) -> Provider:
    found = find(slug)
    if found is None:
        raise Http404
    return found


def _signed_in(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]
    return user


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if is_local_path(wanted) else ""


def _is_cancelled(request: HttpRequest) -> bool:
    return request.GET.get("error") in ("access_denied", "consent_required", "interaction_required")


def _problem(request: HttpRequest, provider: Provider, why: str, detail: str = "") -> HttpResponse:
    context = {"provider": provider, "why": why, "detail": detail}
    return render(request, "accounts/sign_in/sso_problem.html", context, status=STATUSES.get(why, 400))
