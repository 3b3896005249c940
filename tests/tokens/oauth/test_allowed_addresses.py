"""The organization's allowed addresses hold for its clients at the OAuth endpoints."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Membership, Organization
from ratelimit.usage import refused_uses
from tests.support.people import make_token
from tests.tokens.oauth.calls import Program, error, make_program, post
from tokens.credentials.allowed_addresses import CAUSE_ADDRESS, FORWARDING_IGNORED
from tokens.models import Grant, RefreshToken
from tokens.models.client import RefreshAuth

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.1"
SENTENCE = f"Address not allowed. The request came from {ELSEWHERE}."


@pytest.fixture
def importer(owner: Membership) -> Program:
    return make_program(owner)


def ask(path: str = "/v1/auth/token", address: str = ELSEWHERE, headers: Any = None, **form: Any) -> Any:
    return post(urlencode(form), path, headers=headers, REMOTE_ADDR=address)


def grant(importer: Program, address: str = ELSEWHERE, **how: Any) -> Any:
    return ask(address=address, grant_type="client_credentials", **importer.body, **how)


def allow(owner: Membership, *networks: str) -> None:
    Organization.objects.filter(pk=owner.organization_id).update(allowed_addresses=list(networks))


def counted(importer: Program) -> list[tuple[str, int]]:
    found = refused_uses.by_address(importer.row.organization_id, importer.row.pk, CAUSE_ADDRESS)
    return [(one.address, one.count) for one in found]


def test_each_endpoint_refuses_a_client_at_another_address(owner: Membership, importer: Program) -> None:
    tokens, token = importer.grant(), make_token(owner).plaintext
    allow(owner, "203.0.113.0/24", "2001:db8::/48")
    forms: list[tuple[str, dict[str, str]]] = [
        ("/v1/auth/token", {"grant_type": "client_credentials"}),
        ("/v1/auth/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}),
        ("/v1/auth/introspect", {"token": token}),
        ("/v1/auth/revoke", {"token": tokens["access_token"]}),
    ]
    for path, form in forms:
        response = ask(path, **form, **importer.body)
        assert error(response) == "unauthorized_client"
        assert response.json()["error_description"] == SENTENCE
    assert counted(importer) == [(ELSEWHERE, len(forms))]
    for path, form in forms:
        assert ask(path, HERE, **form, **importer.body).status_code == 200
    for address, status in {"::ffff:203.0.113.8": 200, "2001:db8::7": 200, "2001:db8:1::7": 400}.items():
        assert grant(importer, address).status_code == status


def test_a_wrong_secret_is_refused_as_everywhere(owner: Membership, importer: Program) -> None:
    allow(owner, HERE)
    wrong = {"client_id": importer.id, "client_secret": make_program(owner, name="Other").secret}
    assert error(ask(grant_type="client_credentials", **wrong), 401) == "invalid_client"


def test_a_client_without_a_secret_needs_its_refresh_token_to_learn_of_the_address(owner: Membership) -> None:
    importer = make_program(owner, refresh_auth=RefreshAuth.ROTATION_ONLY)
    refresh_token = importer.grant()["refresh_token"]
    others = make_program(owner, name="Other").grant()["refresh_token"]
    allow(owner, HERE)

    def refresh(token: str, address: str = ELSEWHERE) -> Any:
        return ask(address=address, grant_type="refresh_token", refresh_token=token, client_id=importer.id)

    for unknown in (others, refresh_token.swapcase()):
        assert error(refresh(unknown)) == "invalid_grant"
    assert refresh(refresh_token).json()["error_description"] == SENTENCE
    assert not RefreshToken.objects.exclude(used_at=None).exists()
    assert refresh(refresh_token, HERE).status_code == 200
    # A repeat within the grace would answer the successor.
    assert refresh(refresh_token).json()["error_description"] == SENTENCE


@pytest.mark.parametrize("revoked", [False, True])
def test_a_refresh_token_that_is_no_longer_valid_learns_nothing_of_the_address(
    revoked: bool, owner: Membership
) -> None:
    importer = make_program(owner, refresh_auth=RefreshAuth.ROTATION_ONLY)
    refresh_token = importer.grant()["refresh_token"]
    if revoked:
        Grant.objects.update(revoked_at=timezone.now())
    else:
        RefreshToken.objects.update(expires_at=timezone.now())
    allow(owner, HERE)
    response = ask(grant_type="refresh_token", refresh_token=refresh_token, client_id=importer.id)
    assert error(response) == "invalid_grant"


def test_reuse_of_a_refresh_token_at_another_address_ends_the_grant(owner: Membership) -> None:
    importer = make_program(owner, refresh_auth=RefreshAuth.ROTATION_ONLY)
    used = importer.grant()["refresh_token"]
    importer.refresh(importer.refresh(used).json()["refresh_token"])
    allow(owner, HERE)
    response = ask(grant_type="refresh_token", refresh_token=used, client_id=importer.id)
    assert error(response) == "invalid_grant"
    assert Grant.objects.get().revoked_at is not None


def test_refusals_do_not_count_as_failures_of_the_client_or_as_its_calls(
    owner: Membership, importer: Program, settings: Settings
) -> None:
    settings.CLIENT_FAILURES_PER_MINUTE = settings.OAUTH_CALLS_PER_MINUTE = 2
    allow(owner, HERE)
    assert [grant(importer).status_code for _ in range(5)] == [400] * 5
    allow(owner, ELSEWHERE)
    assert grant(importer).status_code == 200


def test_past_the_limit_of_the_address_a_refusal_costs_few_queries(
    owner: Membership,
    importer: Program,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.REFUSALS_PER_MINUTE = 3
    allow(owner, "2001:db8::7")
    statuses = [grant(importer, "2001:db8::8").status_code for _ in range(5)]
    assert statuses == [400] * 3 + [429] * 2
    with django_assert_max_num_queries(3):
        assert {grant(importer, "2001:db8::8").status_code for _ in range(20)} == {429}
    assert counted(importer) == [("2001:db8::8", 3)]
    # Both addresses are in one /64, which is past its limit.
    assert grant(importer, "2001:db8::7").status_code == 200


@pytest.mark.parametrize(
    ("count", "forwarded", "sentence"),
    [
        (0, HERE, f"Address not allowed. The request came from 10.0.0.2. {FORWARDING_IGNORED}"),
        (1, HERE, ""),
        (1, f"{HERE}, {ELSEWHERE}", SENTENCE),
        (1, "unknown", "Address not allowed. The request came from an unknown address."),
        (2, f"{HERE}, 10.0.0.1", ""),
        (2, f"{HERE}, {ELSEWHERE}, 10.0.0.1", SENTENCE),
    ],
)
def test_only_addresses_that_trusted_proxies_wrote_are_checked(
    count: int, forwarded: str, sentence: str, owner: Membership, importer: Program, settings: Settings
) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    allow(owner, HERE)
    response = grant(importer, "10.0.0.2", headers={"X-Forwarded-For": forwarded})
    if sentence:
        assert error(response) == "unauthorized_client"
        assert response.json()["error_description"] == sentence
    else:
        assert response.status_code == 200


def test_the_list_is_read_with_the_secret(
    owner: Membership, importer: Program, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    allow(owner, HERE)
    assert grant(importer).status_code == 400
    # 1: the secret, its client and the organization's list
    with django_assert_num_queries(1):
        assert grant(importer).status_code == 400
