"""An organization with something to show on every page, and the addresses of those pages."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from ratelimit.usage import refused_uses
from tests.support.people import actor, make_member, make_organization, make_token, make_user
from tests.support.sessions import opened
from tests.support.team import make_invited
from tests.support.usage import did, outcomes
from tests.tokens.oauth.calls import SCOPES, make_program
from tokens.credentials.token_lookup import cause_of_pause
from tokens.service_accounts.pause import pause
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import rotate

MARKUP = '<img src=x onerror="alert(1)">'


def furnish(acme: Membership) -> list[str]:
    """Tokens in every state; the addresses of all pages that can be opened by one."""
    make_token(acme, MARKUP, ["tokens.manage", "*:*:*"], expires_in_days=None, description="x" * 500)
    make_token(acme, "soon", expires_in_days=2)
    revoked = make_token(acme, "stopped").token
    revoke(token=revoked, actor=actor(acme), reason="Was only a test")
    paused = make_token(acme, "held").token
    pause(token=paused, actor=actor(acme), until=timezone.now() + timedelta(days=1), reason="x" * 200)
    paused.refresh_from_db()
    assert paused.paused_at is not None
    cause = cause_of_pause(paused.paused_at)
    refused_uses.count(acme.organization_id, paused.pk, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", cause)
    rotating = make_token(acme, "r" * 100).token
    rotate(token=rotating, actor=actor(acme))
    live = make_token(acme, "w" * 100, [f"index:read:{number}" for number in range(9)]).token
    make_member(make_organization("Northwind"), Role.VIEWER, acme.user)
    colleague = make_member(
        acme.organization, Role.ADMIN, make_user(name="m" * 100), permissions=["*:read:*"]
    )
    make_token(colleague, "n" * 100)
    invited = make_invited(acme, f"{'l' * 60}@example.com", Role.VIEWER)
    client = make_program(acme, name="c" * 100, scopes=["*:*:*", *SCOPES])
    opened(acme, user_agent="w" * 40 + "/1.0", address="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    for number, subject in enumerate((live.pk, revoked.pk, client.row.pk, acme.pk)):
        day = timezone.now().date() - timedelta(days=number)
        DailyUsage.objects.create(
            bucket=acme.organization_id,
            subject=subject,
            day=day,
            calls=12_345_678,
            refused=number,
            last_used_at=timezone.now(),
            last_used_ip="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        )
    did(
        live,
        timezone.now(),
        outcomes({20_000: 8}, ok=5_000_000, denied=1_000_000, failed=1),
        permissions={"index:read:1": 12_345_678},
        networks={f"2001:db8:{number:x}::/48": number for number in range(1, 12)},
        methods={f"DELETE {'route-' * 20}": 12_345_678, "": 9},
    )
    kept, tomorrow = "index:read:1", (timezone.now() + timedelta(days=2)).date()
    narrow = make_program(acme, scopes=[f"index:read:{number}" for number in range(9)])
    return [
        "/settings/clients/",
        "/settings/clients/new/?preset=full",
        f"/settings/clients/{client.id}/",
        f"/settings/clients/{narrow.id}/edit/",
        f"/settings/clients/{client.id}/edit/",
        *(f"/settings/clients/{client.id}/{page}/" for page in ("rotate", "revoke", "delete")),
        "/settings/tokens/",
        "/settings/tokens/?status=all&sort=name",
        "/settings/tokens/?status=expired",
        "/settings/tokens/?status=revoked",
        "/settings/tokens/?only=broad&only=no-expiry",
        "/settings/tokens/?q=nothing-like-it&only=unused",
        "/settings/tokens/new/?preset=full&expires=never",
        "/settings/tokens/new/?permission=index:read:42&expires=custom",
        f"/settings/tokens/{live.public_id}/",
        f"/settings/tokens/{live.public_id}/?by=hour&all=networks",
        f"/settings/tokens/{revoked.public_id}/",
        f"/settings/tokens/{live.public_id}/edit/",
        f"/settings/tokens/{live.public_id}/addresses/",
        f"/settings/tokens/{live.public_id}/narrow/",
        f"/settings/tokens/{live.public_id}/narrow/?review=1&permissions={kept}&expires_on={tomorrow}",
        f"/settings/tokens/{live.public_id}/revoke/",
        f"/settings/tokens/{live.public_id}/pause/",
        f"/settings/tokens/{paused.public_id}/",
        f"/settings/tokens/{paused.public_id}/pause/",
        f"/settings/tokens/{paused.public_id}/resume/",
        f"/settings/tokens/{live.public_id}/rotate/?expires=custom",
        f"/settings/tokens/{rotating.public_id}/",
        *(f"/settings/tokens/{rotating.public_id}/rotation/{page}/" for page in ("finish", "cancel")),
        f"/settings/tokens/revoke/?token={live.public_id}",
        "/settings/members/",
        "/settings/members/leave/",
        "/settings/members/transfer-ownership/",
        f"/settings/members/{colleague.public_id}/role/",
        f"/settings/members/{colleague.public_id}/remove/",
        f"/accounts/invitations/{invited.secret}/",
        "/settings/organization/",
        *(f"/settings/organization/{page}/" for page in ("addresses", "rotate-key", "revoke-all", "delete")),
        "/settings/usage/",
        "/settings/usage/?by=hour",
        "/settings/usage/?by=day&days=90",
        "/settings/usage/?by=month",
        "/settings/usage/callers/",
        "/settings/usage/periods/",
        "/settings/audit-log/",
        "/settings/profile/",
        "/settings/security/",
        "/settings/tokens/tok_unknown/",
        "/accounts/logout/",
    ]
