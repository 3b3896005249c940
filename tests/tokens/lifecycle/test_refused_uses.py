"""A credential that is used when it is no longer valid: its owner sees how often, when and where from."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import Membership
from accounts.organizations.update import resume, suspend
from accounts.permissions.actor import SYSTEM
from ratelimit import limiter
from ratelimit.types import FixedWindow
from ratelimit.usage import refused_uses, reports
from ratelimit.usage.sync import Sync
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_token
from tests.tokens.oauth.calls import Program, ask, error, make_program, whoami
from tokens.credentials.token_lookup import cause_of_secret
from tokens.crypto import opaque
from tokens.models import ClientSecret, TokenSecret
from tokens.oauth import clients
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
WHOAMI = "/api/auth/whoami"
ADDRESS = "203.0.113.7"
USES = 3


@pytest.fixture
def revoked(owner: Membership) -> Issued:
    issued = make_token(owner, "Leaked")
    revoke(token=issued.token, actor=actor(owner))
    return issued


def use(issued: Issued, times: int = USES, path: str = WHOAMI) -> list[int]:
    return [program(issued).get(path, REMOTE_ADDR=ADDRESS).status_code for _ in range(times)]


def record(api: APIClient, issued: Issued) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/tokens/{issued.token.public_id}").json()
    return found


def page(browser: Client, path: str) -> str:
    """The text of a page, without its markup."""
    html = browser.get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def counted(program: Program) -> int:
    found = reports.totals(program.row.organization_id, [program.row.pk])
    return found[program.row.pk].refused_uses.count


def test_the_record_says_how_often_when_and_where_from(api: APIClient, revoked: Issued) -> None:
    before = record(api, revoked)
    assert before["refusedUses"] == {"count": 0, "lastAt": None, "lastIp": None}
    assert use(revoked) == [401] * USES
    found = record(api, revoked)
    assert (found["refusedUses"]["count"], found["refusedUses"]["lastIp"]) == (USES, ADDRESS)
    assert found["refusedUses"]["lastAt"] > found["revokedAt"]
    assert (found["usageCount"], found["lastUsedAt"], found["lastUsedIp"]) == (0, None, None)
    Sync()()
    assert record(api, revoked) == found
    use(revoked)
    assert record(api, revoked)["refusedUses"]["count"] == 2 * USES


def test_it_holds_without_redis(api: APIClient, revoked: Issued, settings: Settings) -> None:
    settings.REDIS_URL = ""
    use(revoked)
    assert record(api, revoked)["refusedUses"]["count"] == USES


def test_the_page_says_it(owner: Membership, revoked: Issued) -> None:
    browser = browser_of(owner.user)
    url = f"/settings/tokens/{revoked.token.public_id}/"
    assert "Refused after revocation" not in page(browser, url)
    use(revoked, 1)
    assert f"Refused after revocation: 1 call, last just now from {ADDRESS}." in page(browser, url)
    use(revoked, 2)
    assert f"Refused after revocation: 3 calls, last just now from {ADDRESS}." in page(browser, url)


def test_the_admin_says_it(staff: Client, revoked: Issued) -> None:
    use(revoked)
    text = page(staff, f"/admin/tokens/serviceaccounttoken/{revoked.token.pk}/change/")
    assert re.search(rf"Refused uses ?{USES} calls, last [\d-]+ [\d:]+ UTC from {re.escape(ADDRESS)}", text)


def test_an_expired_token_is_counted(owner: Membership, api: APIClient) -> None:
    issued = make_token(owner, "Old", expires_in_days=1, now=timezone.now() - timedelta(days=2))
    use(issued)
    assert record(api, issued)["refusedUses"]["count"] == USES
    text = page(browser_of(owner.user), f"/settings/tokens/{issued.token.public_id}/")
    assert f"Refused after expiry: {USES} calls" in text


def test_a_superseded_secret_is_counted_with_its_cause_and_address(owner: Membership, api: APIClient) -> None:
    issued = make_token(owner, "Rotated")
    TokenSecret.objects.filter(token=issued.token).update(valid_until=timezone.now())
    use(issued)
    assert record(api, issued)["refusedUses"]["count"] == USES
    cause = cause_of_secret(issued.token.secrets.get().pk)
    [found] = refused_uses.by_address(owner.organization_id, issued.token.pk, cause)
    assert (found.address, found.count) == (ADDRESS, USES)


def test_a_suspended_organizations_tokens_are_counted(owner: Membership, api: APIClient) -> None:
    issued = make_token(owner, "Nightly")
    suspend(organization=owner.organization, actor=SYSTEM)
    use(issued)
    resume(organization=owner.organization, actor=SYSTEM)
    assert record(api, issued)["refusedUses"]["count"] == USES


def test_a_token_that_a_process_still_remembers_is_counted_from_its_revocation(
    owner: Membership, api: APIClient
) -> None:
    issued = make_token(owner, "Busy")
    assert use(issued) == [200] * USES
    revoke(token=issued.token, actor=actor(owner))
    assert use(issued) == [401] * USES
    found = record(api, issued)
    assert (found["usageCount"], found["refusedUses"]["count"]) == (USES, USES)


def test_forward_authentication_counts_as_well(api: APIClient, revoked: Issued) -> None:
    use(revoked, path="/api/auth/verify")
    assert record(api, revoked)["refusedUses"]["count"] == USES


def test_looking_a_secret_up_is_no_use(api: APIClient, revoked: Issued) -> None:
    api.post("/api/v1/tokens/lookup", {"token": revoked.plaintext})
    importer = make_program(make_member())
    ask("/v1/auth/introspect", token=revoked.plaintext, **importer.body)
    assert record(api, revoked)["refusedUses"]["count"] == 0


def test_it_is_charged_to_no_plan_and_is_no_call_in_the_usage(api: APIClient, revoked: Issued) -> None:
    use(revoked)
    response = api.get("/api/v1/usage")
    assert response["X-RateLimit-Remaining"] == "99"
    body = response.json()
    assert body["refused"] == 0
    assert revoked.token.public_id not in str(body["tokens"])


def test_past_the_limit_of_its_address_uses_are_not_counted(
    api: APIClient, revoked: Issued, settings: Settings
) -> None:
    settings.REFUSALS_PER_MINUTE = 2
    assert use(revoked, 4) == [401, 401, 429, 429]
    assert record(api, revoked)["refusedUses"]["count"] == 2


def test_it_costs_one_statement_and_two_round_trips(
    revoked: Issued, round_trips: list[bytes], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limiter.hit_window(FixedWindow("warm", "warm", 1))
    use(revoked, 1)
    round_trips.clear()
    # 1: the token by its digest
    with django_assert_num_queries(1):
        use(revoked, 1)
    # 1: EVALSHA of take.lua, the address's limit of refusals; 2: EVALSHA of refused_use.lua
    assert len(round_trips) == 2
    round_trips.clear()
    program(opaque.new().plaintext).get(WHOAMI, REMOTE_ADDR=ADDRESS)
    assert len(round_trips) == 1


def test_a_clients_former_secret_is_counted(owner: Membership) -> None:
    importer = make_program(owner)
    clients.rotate_secret(client=importer.row, actor=actor(owner), overlap_seconds=0)
    answer = ask(grant_type="client_credentials", **importer.body)
    assert error(answer, 401) == "invalid_client"
    assert counted(importer) == 1
    text = page(browser_of(owner.user), f"/settings/clients/{importer.id}/")
    assert "Refused: 1 call, last just now from 127.0.0.1." in text


def test_a_suspended_organizations_client_is_counted_at_each_endpoint(owner: Membership) -> None:
    importer = make_program(owner)
    access_token = importer.grant()["access_token"]
    suspend(organization=owner.organization, actor=SYSTEM)
    ask(grant_type="client_credentials", **importer.body)
    assert whoami(access_token).status_code == 401
    assert counted(importer) == 2


def test_a_revoked_access_token_of_a_client_is_counted(owner: Membership) -> None:
    importer = make_program(owner)
    access_token = importer.grant()["access_token"]
    clients.revoke_tokens(client=importer.row, actor=actor(owner))
    assert whoami(access_token).status_code == 401
    assert counted(importer) == 1


def test_a_secret_with_another_clients_id_is_counted_for_neither(owner: Membership) -> None:
    importer, other = make_program(owner), make_program(owner, name="Other")
    ClientSecret.objects.filter(client=importer.row).update(valid_until=timezone.now())
    ask(grant_type="client_credentials", client_id=other.id, client_secret=importer.secret)
    assert (counted(importer), counted(other)) == (0, 0)
