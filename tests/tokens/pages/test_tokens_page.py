"""Settings → API tokens: what the list shows, to whom, and at what cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_organization, make_token
from tests.tokens.service_accounts.many import make_many
from tokens.models import ServiceAccountToken
from tokens.service_accounts.revoke import stop

URL = "/settings/tokens/"


def page(member: Membership, address: str = URL) -> str:
    response = browser_of(member.user).get(address)
    assert response.status_code == 200
    return response.content.decode()


def ends(token: ServiceAccountToken, **ago: int) -> None:
    now = timezone.now()
    ServiceAccountToken.objects.filter(pk=token.pk).update(
        created_at=now - timedelta(days=30), expires_at=now - timedelta(**ago)
    )


def test_it_leads_strangers_to_the_sign_in_page(client, db):
    response = client.get(URL)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={URL}"


def test_the_start_page_leads_here(owner):
    assert browser_of(owner.user).get("/")["Location"] == URL


def test_it_shows_name_masked_secret_permissions_creator_and_status(owner):
    issued = make_token(owner, "ci-deploy", ["index:write:*"], description="GitHub Actions")
    html = page(owner)
    for text in (
        "ci-deploy",
        "GitHub Actions",
        f"tsr_sa_…{issued.plaintext[-4:]}",
        "index:write:*",
        f"by {owner.user.display_name}",
        "Never used",
        "Active",
        "in 90 days",
    ):
        assert text in html
    assert issued.plaintext not in html


def test_another_organization_is_not_shown(owner):
    make_token(make_member(), "somebody-elses")
    assert "somebody-elses" not in page(owner, f"{URL}?status=all")


def test_a_viewer_looks_but_the_buttons_are_disabled_with_a_reason(owner):
    make_token(owner, "ci-deploy")
    html = page(make_member(owner.organization, Role.VIEWER))
    assert "ci-deploy" in html
    assert 'href="/settings/tokens/new/"' not in html
    assert '<button class="button small quiet" disabled aria-describedby="why-not">Revoke</button>' in html
    assert "More for ci-deploy" not in html
    assert "As viewer you can look at tokens." in html


def test_a_person_without_an_organization_is_told_so(owner):
    user = owner.user
    owner.delete()
    response = browser_of(user).get(URL)
    assert response.status_code == 403
    assert "You belong to no organization" in response.content.decode()


def test_tabs_hold_active_expired_and_revoked_tokens(owner):
    make_token(owner, "runs")
    ends(make_token(owner, "ran-out").token, days=2)
    stopped = make_token(owner, "stopped").token
    stop(ServiceAccountToken.objects.filter(pk=stopped.pk), actor=actor(owner), reason="")
    shown = {
        status: {name for name in ("runs", "ran-out", "stopped") if f">{name}</a>" in html}
        for status in ("active", "expired", "revoked", "all")
        if (html := page(owner, f"{URL}?status={status}"))
    }
    assert shown == {
        "active": {"runs"},
        "expired": {"ran-out"},
        "revoked": {"stopped"},
        "all": {"runs", "ran-out", "stopped"},
    }


def test_a_token_of_a_member_who_left_is_revoked(owner):
    admin = make_member(owner.organization, Role.ADMIN)
    make_token(admin, "orphan")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_membership WHERE id = %s", [admin.pk])
    assert "orphan" not in page(owner)
    html = page(owner, f"{URL}?status=revoked")
    assert "orphan" in html
    assert ">left</span>" in html


def test_an_end_within_two_weeks_is_called_expiring(owner):
    make_token(owner, "soon", expires_in_days=10)
    assert "Expiring" in page(owner)


def test_a_paused_token_stays_under_active_and_can_be_revoked(owner):
    token = make_token(owner, "nightly").token
    now = timezone.now()
    ServiceAccountToken.objects.filter(pk=token.pk).update(
        paused_at=now, paused_until=now + timedelta(hours=6)
    )
    html = page(owner)
    assert ">nightly</a>" in html
    assert "#paused" in html
    assert "Paused</span>" in html
    assert "in 6 hours" in html
    assert 'data-dialog aria-describedby="' in html
    assert "1 of 50 active" in html


def test_a_leaked_token_is_under_revoked_and_is_called_leaked(owner):
    token = make_token(owner, "leaky").token
    ServiceAccountToken.objects.filter(pk=token.pk).update(
        leaked_at=timezone.now(), revoked_at=timezone.now()
    )
    assert "leaky" not in page(owner)
    html = page(owner, f"{URL}?status=revoked")
    assert ">leaky</a>" in html
    assert "Leaked</span>" in html


@pytest.mark.usefixtures("redis_client")
def test_a_call_shows_at_once(owner):
    issued = make_token(owner, "ci-deploy")
    assert program(issued).get("/api/auth/whoami").status_code == 200
    html = page(owner)
    assert "just now" in html
    assert "127.0.0.1" in html
    assert "1 of 100 calls today" in html


def test_nothing_yet_is_an_invitation_with_one_button_and_a_curl_line(owner):
    html = page(owner)
    assert html.count("Create token") == 1
    assert "curl -H &quot;Authorization" in html or 'curl -H "Authorization' in html
    assert "http://testserver/api/auth/whoami" in html


def test_the_fifty_first_cannot_be_begun(owner):
    make_many(owner, settings.ACTIVE_TOKENS_PER_ORGANIZATION)
    html = page(owner)
    assert "50 of 50 active" in html
    assert "All 50 active tokens are taken." in html
    assert 'href="/settings/tokens/new/"' not in html


@pytest.mark.parametrize(("sort", "expected"), [("name", ["a", "b", "c"]), ("-name", ["c", "b", "a"])])
def test_it_sorts_by_name(owner, sort, expected):
    for name in ("b", "c", "a"):
        make_token(owner, f"name-{name}")
    html = page(owner, f"{URL}?sort={sort}")
    assert sorted(expected, key=lambda name: html.index(f">name-{name}</a>")) == expected


@pytest.mark.parametrize("sort", ["-used", "used"])
def test_it_sorts_by_last_use_to_the_call(owner, sort):
    unused, used = make_token(owner, "unused"), make_token(owner, "used-one")
    program(used).get("/api/auth/whoami")
    html = page(owner, f"{URL}?sort={sort}")
    used_first = html.index(used.token.public_id) < html.index(unused.token.public_id)
    assert used_first is (sort == "-used")


def test_the_soonest_end_comes_first_and_no_end_last(owner):
    for name, days in (("never", None), ("late", 300), ("early", 5)):
        make_token(owner, f"x-{name}", expires_in_days=days)
    html = page(owner, f"{URL}?sort=expires")
    assert html.index(">x-early<") < html.index(">x-late<") < html.index(">x-never<")


@pytest.mark.parametrize("query", ["?status=%F0%9F&sort=;drop&page=-9", "?page=zzz&q=%25%27_", "?sort=-"])
def test_what_an_address_cannot_mean_is_the_default(owner, query):
    make_token(owner, "ci-deploy")
    page(owner, URL + query)


def test_a_name_with_markup_is_text(owner):
    make_token(owner, "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in page(owner)


@pytest.mark.parametrize("query", ["", "&sort=used", "&only=mine&only=no-expiry"])
def test_the_number_of_statements_does_not_grow_with_the_tokens(db, query):
    found = [statements(number, f"?status=all{query}", revoked=True) for number in (3, 300)]
    # Session, person, membership; policies and banners; ids of the list; its tokens, their secrets, usage
    # and calls; the counts of the tabs; today's calls.
    assert found[0] == found[1] <= 17


def test_the_number_of_statements_does_not_grow_with_the_rotations(db):
    found = [statements(number, "?status=all", rotations=1) for number in (3, 300)]
    assert found[0] == found[1] <= 19


def statements(number: int, query: str, **how: Any) -> int:
    """Return the number of statements of the page of an organization with so many tokens."""
    member = make_member(make_organization())
    make_many(member, number, **how)
    browser = browser_of(member.user)
    browser.get(URL)
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(URL + query).status_code == 200
    return len(captured)


def test_a_thousand_old_tokens_are_paged(owner):
    make_many(owner, 1000, revoked=True)
    html = page(owner, f"{URL}?status=all&sort=name&page=3")
    assert "101–150 of 1,000" in html
    assert "old 00100" in html
    assert "old 00150" not in html


def test_no_cache_keeps_it(owner):
    assert browser_of(owner.user).get(URL)["Cache-Control"] == "no-store"
