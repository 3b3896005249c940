"""Introspection (RFC 7662): what a token may do, for its own organization only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts import typeid
from accounts.models import Membership, Organization
from tests.support.people import actor, make_member, make_token
from tests.support.sessions import opened
from tests.tokens.crypto.forging import claims_of
from tests.tokens.oauth.calls import Program, ask, error, make_program, ok
from tokens.oauth import clients
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


@pytest.fixture
def asker(owner: Membership) -> Program:
    """A resource server's own client."""
    return make_program(owner, name="Gateway")


def introspect(program: Program, token: str, **more: str) -> dict[str, Any]:
    return ok(ask("/v1/auth/introspect", token=token, **program.body, **more))


def test_a_clients_access_token(asker: Program, owner: Membership) -> None:
    program = make_program(owner)
    token = program.grant(scope="index:read:*")["access_token"]
    claims = claims_of(token)
    assert introspect(asker, token) == {
        "active": True,
        "scope": "index:read:*",
        "client_id": program.id,
        "token_type": "Bearer",
        "exp": claims["exp"],
        "iat": claims["iat"],
        "sub": program.id,
        "aud": settings.BASE_URL,
        "iss": settings.BASE_URL,
        "jti": claims["jti"],
        "org": owner.organization.public_id,
    }
    response = ask("/v1/auth/introspect", token=token, **asker.body)
    assert response["Cache-Control"] == "no-store"


def test_a_persons_access_token_has_the_rights_of_the_role_now(asker: Program, owner: Membership) -> None:
    member = make_member(owner.organization, "admin")
    token = opened(member).access_token
    found = introspect(asker, token)
    assert (found["active"], found["sub"]) == (True, member.user.public_id)
    assert "tokens.manage" in found["scope"].split()
    member.role = "viewer"
    member.save()
    assert "tokens.manage" not in introspect(asker, token)["scope"].split()


def test_a_service_account_token(asker: Program, owner: Membership) -> None:
    issued = make_token(owner, permissions=["index:read:*"])
    found = introspect(asker, issued.plaintext)
    assert issued.token.expires_at is not None
    assert found == {
        "active": True,
        "scope": "index:read:*",
        "token_type": "Bearer",
        "sub": typeid.encode("tok", issued.token.pk),
        "aud": settings.BASE_URL,
        "iss": settings.BASE_URL,
        "exp": int(issued.token.expires_at.timestamp()),
        "org": owner.organization.public_id,
    }
    assert "exp" not in introspect(asker, make_token(owner, expires_in_days=None).plaintext)
    revoke(token=issued.token, actor=actor(owner))
    assert introspect(asker, issued.plaintext) == {"active": False}


def test_an_answer_has_each_list_of_addresses_that_restricts_the_token(
    asker: Program, owner: Membership
) -> None:
    tokens, own, here = asker.grant(), ["203.0.113.7"], ["127.0.0.0/8"]
    restricted = make_token(owner, allowed_addresses=own).plaintext
    of_organization = [make_token(owner).plaintext, tokens["access_token"], tokens["refresh_token"]]
    assert introspect(asker, restricted)["allowed_addresses"] == [own]
    assert not any("allowed_addresses" in introspect(asker, token) for token in of_organization)
    Organization.objects.filter(pk=owner.organization_id).update(allowed_addresses=here)
    assert introspect(asker, restricted)["allowed_addresses"] == [own, here]
    assert [introspect(asker, token)["allowed_addresses"] for token in of_organization] == [[here]] * 3
    assert "allowed_addresses" not in introspect(asker, opened(owner).access_token)


def test_a_refresh_token_is_told_to_its_own_client_only(asker: Program, owner: Membership) -> None:
    program = make_program(owner)
    first = program.grant()["refresh_token"]
    found = introspect(program, first)
    assert (found["active"], found["client_id"]) == (True, program.id)
    assert found["scope"] == "index:read:* events:write:*"
    assert found["exp"] - found["iat"] == 90 * 86_400
    assert introspect(asker, first) == {"active": False}
    second = ok(program.refresh(first))["refresh_token"]
    assert introspect(program, first) == {"active": False}
    assert introspect(program, second)["active"] is True
    assert introspect(asker, opened(owner).refresh_token) == {"active": False}


def test_nothing_of_another_organization_is_active(asker: Program) -> None:
    stranger = make_member()
    other = make_program(stranger)
    granted = other.grant()
    for token in (
        granted["access_token"],
        granted["refresh_token"],
        opened(stranger).access_token,
        make_token(stranger).plaintext,
    ):
        assert introspect(asker, token) == {"active": False}
    assert introspect(other, granted["access_token"])["active"] is True


@pytest.mark.parametrize("token", ["x", "tsr_sa_" + "A" * 43, "A" * 64, "eyJ.a.b", "é\0", "x" * 15_000])
def test_an_unknown_token_is_inactive_and_no_error(asker: Program, token: str) -> None:
    for hint in ("access_token", "refresh_token", "x"):
        assert introspect(asker, token, token_type_hint=hint) == {"active": False}


def test_a_client_secret_or_publishable_key_is_no_token(asker: Program, owner: Membership) -> None:
    for secret in (asker.secret, owner.organization.publishable_key):
        assert introspect(asker, secret) == {"active": False}


def test_an_ended_token_is_inactive_and_says_nothing_more(asker: Program, owner: Membership) -> None:
    program = make_program(owner)
    granted = program.grant()
    clients.revoke_tokens(client=program.row, actor=actor(owner))
    for token in (granted["access_token"], granted["refresh_token"]):
        assert introspect(program, token) == introspect(asker, token) == {"active": False}


def test_a_token_is_inactive_from_its_end_on(asker: Program, owner: Membership) -> None:
    with time_machine.travel(NOON, tick=False):
        granted = asker.grant()
    for after, active in ((7199, True), (7200, False), (7229, False)):
        with time_machine.travel(NOON + timedelta(seconds=after), tick=False):
            assert introspect(asker, granted["access_token"])["active"] is active
    with time_machine.travel(NOON + timedelta(days=90), tick=False):
        assert introspect(asker, granted["refresh_token"]) == {"active": False}


def test_a_suspended_organization_asks_nothing(asker: Program) -> None:
    token = asker.grant()["access_token"]
    Organization.objects.filter(pk=asker.row.organization_id).update(suspended_at=timezone.now())
    assert error(ask("/v1/auth/introspect", token=token, **asker.body), 401) == "invalid_client"


def test_without_a_client_or_a_token_nothing_is_told(asker: Program) -> None:
    token = asker.grant()["access_token"]
    assert error(ask("/v1/auth/introspect", token=token), 401) == "invalid_client"
    bearer = {"Authorization": f"Bearer {token}"}
    assert error(ask("/v1/auth/introspect", token=token, headers=bearer), 401) == "invalid_client"
    assert error(ask("/v1/auth/introspect", **asker.body)) == "invalid_request"
