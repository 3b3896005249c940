"""The token endpoint's good answers: client_credentials and refresh (RFC 6749 sections 4.4, 5.1 and 6)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import typeid
from tests.support.people import actor
from tests.tokens.oauth.calls import Program, ask, error, make_program, ok, post, whoami
from tokens.crypto import access_jwt
from tokens.models import Grant
from tokens.oauth import clients

pytestmark = pytest.mark.django_db


@pytest.fixture
def importer(db: None) -> Program:
    return make_program()


def test_credentials_in_the_body_get_a_token(importer: Program) -> None:
    body = f"grant_type=client_credentials&client_id={importer.id}&client_secret={importer.secret}"
    response = post(body)
    found = ok(response)
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 7200)
    assert found["scope"] == "index:read:* events:write:*"
    assert found["refresh_token"].startswith("tsr_rt_")
    assert response["Content-Type"] == "application/json"
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    assert "WWW-Authenticate" not in response


def test_credentials_by_basic_get_a_token(importer: Program) -> None:
    for authorization in (importer.basic, importer.basic.replace("Basic", "bAsIc")):
        headers = {"Authorization": authorization}
        ok(ask(grant_type="client_credentials", headers=headers))
        ok(ask(grant_type="client_credentials", client_id=importer.id, headers=headers))


def test_the_token_says_whose_it_is_and_what_for(importer: Program, settings: Any) -> None:
    claims = access_jwt.decode(importer.grant(scope="index:read:*")["access_token"])
    organization = typeid.encode("org", importer.row.organization_id)
    assert (claims.sub, claims.client_id, claims.org) == (importer.id, importer.id, organization)
    assert claims.scope == "index:read:*"
    assert claims.exp - claims.iat == settings.OAUTH_ACCESS_SECONDS
    assert claims.sid == Grant.objects.get(client=importer.row).public_id


def test_whoami_knows_the_client(importer: Program) -> None:
    body = whoami(importer.grant()["access_token"]).json()
    assert (body["authKind"], body["actorType"]) == ("oauth-client", "client")
    assert (body["clientId"], body["clientName"]) == (importer.id, "Importer")
    assert body["effectivePermissions"] == body["scope"].split() == ["index:read:*", "events:write:*"]


def test_a_part_of_the_scope_may_be_asked_for(importer: Program) -> None:
    granted = importer.grant(scope="index:read:shop index:read:shop events:write:*")
    assert granted["scope"] == "index:read:shop events:write:*"
    permissions = whoami(granted["access_token"]).json()["effectivePermissions"]
    assert permissions == ["index:read:shop", "events:write:*"]


@pytest.mark.parametrize("extra", ["&scope=", "&scope=&resource=x", "&anything=else"])
def test_an_empty_parameter_counts_as_left_out_and_an_unknown_one_as_nothing(
    importer: Program, extra: str
) -> None:
    body = urlencode({"grant_type": "client_credentials", **importer.body}) + extra
    assert ok(post(body))["scope"] == "index:read:* events:write:*"


def test_a_charset_beside_the_content_type_is_fine(importer: Program) -> None:
    body = urlencode({"grant_type": "client_credentials", **importer.body})
    ok(post(body, content_type="application/x-www-form-urlencoded;charset=UTF-8"))


def test_a_refresh_gives_a_new_pair(importer: Program) -> None:
    first = importer.grant()
    second = ok(importer.refresh(first["refresh_token"]))
    assert (second["expires_in"], second["scope"]) == (7200, first["scope"])
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    for token in (first, second):
        assert whoami(token["access_token"]).status_code == 200


def test_a_narrower_scope_binds_the_access_token_and_not_the_family(importer: Program) -> None:
    second = ok(importer.refresh(importer.grant()["refresh_token"], scope="index:read:shop"))
    assert second["scope"] == "index:read:shop"
    assert whoami(second["access_token"]).json()["effectivePermissions"] == ["index:read:shop"]
    third = ok(importer.refresh(second["refresh_token"]))
    assert third["scope"] == "index:read:* events:write:*"


def test_a_refresh_wants_the_secret_unless_the_client_is_rotation_only(importer: Program) -> None:
    refresh_token = importer.grant()["refresh_token"]
    alone = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": importer.id}
    assert error(ask(**alone), 401) == "invalid_client"
    assert error(ask(**alone, client_secret=""), 401) == "invalid_client"
    ok(importer.refresh(refresh_token))


def test_a_rotation_only_client_refreshes_by_its_id_and_a_secret_that_is_sent_must_be_right() -> None:
    program = make_program(refresh_auth="rotation_only")
    refresh_token = program.grant()["refresh_token"]
    alone = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": program.id}
    assert error(ask(**alone, client_secret="tsr_cs_" + "A" * 43), 401) == "invalid_client"
    second = ok(ask(**alone))
    ok(program.refresh(second["refresh_token"]))
    assert error(ask(grant_type="client_credentials", client_id=program.id), 401) == "invalid_client"


def test_a_rotation_only_client_asks_about_tokens_with_its_secret_only() -> None:
    program = make_program(refresh_auth="rotation_only")
    token = program.grant()["access_token"]
    for path in ("/v1/auth/revoke", "/v1/auth/introspect"):
        assert error(ask(path, token=token, client_id=program.id), 401) == "invalid_client"
    assert whoami(token).status_code == 200


def test_both_secrets_work_while_a_rotation_overlaps(importer: Program) -> None:
    made = clients.rotate_secret(
        client=importer.row, actor=actor(importer.row.responsible), overlap_seconds=60
    )
    importer.grant()
    new = Program(made.client, made.plaintext)
    new.grant()
    clients.rotate_secret(client=importer.row, actor=actor(importer.row.responsible), overlap_seconds=0)
    for before in (importer, new):
        assert error(ask(grant_type="client_credentials", **before.body), 401) == "invalid_client"


def test_no_bearer_is_wanted_or_read(importer: Program) -> None:
    token = importer.grant()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    response = ask(grant_type="client_credentials", **importer.body, headers=headers)
    assert error(response, 401) == "invalid_client"


def test_a_browser_with_a_session_needs_no_csrf_token(importer: Program) -> None:
    browser = Client(enforce_csrf_checks=True)
    member = importer.row.responsible
    assert member is not None
    browser.force_login(member.user)
    body = urlencode({"grant_type": "client_credentials", **importer.body})
    ok(browser.post("/v1/auth/token", body, content_type="application/x-www-form-urlencoded"))
