"""Opening a grant, of a member or of an OAuth client, with its first token pair."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.authentication.browser_sessions import BrowserSession
from accounts.models import Membership, User
from accounts.proof import Proof
from tokens.audit import session_events
from tokens.grants import refresh_tokens, token_pair
from tokens.grants.errors import InvalidGrant
from tokens.grants.token_pair import TokenPair
from tokens.models import Grant, GrantKind, OAuthClient


@transaction.atomic
def open_for_member(
    *,
    membership: Membership,
    kind: GrantKind,
    proof: Proof,
    browser: BrowserSession | None = None,
    verified_password: str | None = None,
    user_agent: str = "",
    address: str | None = None,
    now: datetime | None = None,
) -> TokenPair:
    """Open a person's grant. ``verified_password`` is the stored hash that was checked before.

    With a ``browser`` the grant ends when that browser session does.

    Raises InvalidGrant if meanwhile the password was changed, the person or membership ended, or the
    organization was suspended.
    """
    now = now or timezone.now()
    user = User.objects.select_for_update(no_key=True).filter(pk=membership.user_id).first()
    if user is None:
        raise InvalidGrant("The account was deleted meanwhile.")
    if verified_password is not None and user.password != verified_password:
        raise InvalidGrant("The password was changed meanwhile.")
    latest = now + timedelta(days=settings.GRANT_MAX_DAYS)
    grant = Grant.objects.create(
        kind=kind,
        organization_id=membership.organization_id,
        user=user,
        membership_id=membership.pk,
        password_version=user.password_version,
        created_at=now,
        expires_at=min(latest, browser.expires_at) if browser else latest,
        proof=proof.stored,
        browser_id=browser.id if browser else None,
        user_agent=user_agent[:300],
        address=address,
    )
    pair = _first_pair(grant, None, now)
    session_events.opened(grant, user)
    return pair


@transaction.atomic
def open_for_client(
    *,
    client: OAuthClient,
    scope: Sequence[str] | None,
    address: str | None = None,
    now: datetime | None = None,
) -> TokenPair:
    """Open a client's grant (RFC 6749 section 4.4).

    Raises InvalidScope if the client does not have the requested scope, and InvalidGrant if the client was
    deleted or its organization suspended meanwhile.
    """
    now = now or timezone.now()
    latest = now + timedelta(days=settings.GRANT_MAX_DAYS)
    grant = Grant.objects.create(
        kind=GrantKind.CLIENT,
        organization_id=client.organization_id,
        client=client,
        scope=list(scope or client.scopes),
        created_at=now,
        expires_at=min(latest, client.secret_ends_at or latest),
        address=address,
    )
    return _first_pair(grant, scope, now)


def _first_pair(grant: Grant, scope: Sequence[str] | None, now: datetime) -> TokenPair:
    refresh_token = refresh_tokens.new(grant, now)
    return token_pair.build(grant, refresh_token, token_pair.effective_scope(grant, scope, now), now)
