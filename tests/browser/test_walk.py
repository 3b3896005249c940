"""A walk over every page: no complaint of the browser, readable in both schemes, usable at 320 px."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from ratelimit.usage import refused_uses
from tests.browser.conftest import sign_in
from tests.support.people import actor, make_member, make_organization, make_token, make_user
from tests.support.sessions import opened
from tests.support.team import make_invited
from tests.support.usage import did, outcomes
from tests.tokens.oauth.calls import SCOPES, make_program
from tokens.credentials.token_lookup import cause_of_pause
from tokens.service_accounts.pause import pause
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import rotate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = (Path(__file__).parent / "looks.js").read_text()
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
WIDTHS = (320, 1400, 20)
# In a frame that is resized, the page is laid out at each width without being loaded again.
OVERFLOWING = """async ([html, first, last, step]) => {
  const frame = document.createElement("iframe");
  const loaded = new Promise(done => frame.addEventListener("load", done));
  frame.srcdoc = html;
  document.body.replaceChildren(frame);
  await loaded;
  const { documentElement: root, body } = frame.contentDocument;
  const found = {};
  for (let width = first; width <= last; width += step) {
    frame.style = `border: 0; height: 800px; width: ${width}px`;
    if (root.scrollWidth <= width) continue;
    const wide = [...body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width);
    found[width] = wide.map(e => e.outerHTML.split(">")[0]).slice(-3);
  }
  return found;
}"""
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


def walk(page: Page, acme: Membership) -> Iterator[str]:
    """Each page with its menus and details opened; the reveal page and the dialog come last."""
    page.add_init_script(LOOKS)
    page.goto("/accounts/login/")
    yield "/accounts/login/"
    sign_in(page, acme.user)
    yield "an empty list"
    for address in furnish(acme):
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        yield address
    page.goto("/settings/tokens/")
    page.get_by_role("row").filter(has_text="soon").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "the dialog"
    page.goto("/settings/tokens/new/?permission=usage.view&name=walk")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_label("Your new token")).to_be_visible()
    yield "the reveal page"
    page.get_by_role("link", name="Close without copying").click()


def test_every_text_is_readable_and_no_page_breaks_the_policy_or_keeps_anything_in_the_browser(
    new_page, acme
):
    page = new_page(reduced_motion="reduce")
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error(event.violatedDirective))"
    )
    faint = {}
    for where in walk(page, acme):
        faint |= faint_texts(page, where)
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0, where
        hosts = page.evaluate(
            "performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)"
        )
        assert set(hosts) <= {page.evaluate("location.host")}, where
    assert faint == {}


def faint_texts(page: Page, where: str) -> dict[tuple[str, str], list[str]]:
    """In either scheme; the page is not loaded again for the second."""
    found = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found[where, scheme] = page.evaluate("faint()")
    return {key: texts for key, texts in found.items() if texts}


def test_every_target_is_44_px(new_page, acme):
    page = new_page(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    problems = {}
    for where in walk(page, acme):
        if found := page.evaluate("small(44)"):
            problems[where] = found
    assert problems == {}


def test_no_page_is_wider_than_a_window_of_320_to_1400_px(new_page, acme):
    page, probe = new_page(), new_page(bypass_csp=True)
    problems = {}
    probe.goto("/healthz")
    for where in walk(page, acme):
        if wider := probe.evaluate(OVERFLOWING, [page.content(), *WIDTHS]):
            problems[where] = wider
    assert problems == {}


def test_motion_stops_where_it_is_not_wanted(new_page, ada):
    page = sign_in(new_page(reduced_motion="reduce"), ada)
    moving = "[...document.querySelectorAll('*')].some(e => getComputedStyle(e).transitionDuration !== '0s')"
    assert not page.evaluate(moving)
