"""GET and DELETE /api/v1/tokens/{id}, its revocation, and the look-up of a secret."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

URL = "/api/v1/tokens"


@pytest.fixture
def other(owner: Membership) -> Issued:
    return make_token(owner, "Other", description="Before")


def at(issued: Issued) -> str:
    return f"{URL}/{issued.token.public_id}"


def test_use_shows_at_once(api: APIClient, other: Issued) -> None:
    assert api.get(at(other)).json()["usageCount"] == 0
    for _ in range(3):
        program(other).get("/api/auth/whoami")
    record = api.get(at(other)).json()
    assert record["usageCount"] == 3
    assert record["lastUsedIp"] == "127.0.0.1"
    assert record["lastUsedAt"] > record["createdAt"]


def test_a_deleted_token_is_refused_and_its_record_stays(
    api: APIClient, other: Issued, owner: Membership
) -> None:
    assert api.delete(at(other)).status_code == 204
    refused = program(other).get("/api/auth/whoami")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    record = api.get(at(other)).json()
    assert record["status"] == "revoked"
    assert record["revokedAt"] is not None
    assert record["revokedBy"]["id"] == owner.user.public_id
    again = api.delete(at(other))
    assert (again.status_code, again.content) == (204, b"")
    assert api.get(at(other)).json() == record


def test_a_revocation_answers_the_record_and_keeps_the_first_reason(api: APIClient, other: Issued) -> None:
    first = api.post(f"{at(other)}/revoke", {"reason": "Leaked in a log"})
    assert first.status_code == 200
    assert first.json()["revokedReason"] == "Leaked in a log"
    again = api.post(f"{at(other)}/revoke", {"reason": "Another"})
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_revocation_needs_no_body(api: APIClient, other: Issued) -> None:
    response = api.post(f"{at(other)}/revoke")
    assert (response.status_code, response.json()["revokedReason"]) == (200, None)


@pytest.mark.parametrize("body", [{"reason": "x" * 201}, {"reason": 1}, {"why": "x"}, {"reason": "a\x1bb"}])
def test_a_revocation_with_a_wrong_body_revokes_nothing(
    api: APIClient, other: Issued, body: dict[str, Any]
) -> None:
    response = api.post(f"{at(other)}/revoke", body)
    assert response.status_code == 400
    assert response.json()["fields"].keys() == body.keys()
    assert api.get(at(other)).json()["status"] == "active"


def test_a_token_may_revoke_itself(api: APIClient, issued: Issued) -> None:
    assert api.delete(at(issued)).status_code == 204
    assert api.get(at(issued)).status_code == 401


def test_a_deactivated_persons_token_says_why(api: APIClient, owner: Membership) -> None:
    person = make_member(owner.organization, "admin")
    issued = make_token(person)
    type(person.user).objects.filter(pk=person.user_id).update(is_active=False)
    record = api.get(at(issued)).json()
    assert record["status"] == "revoked"
    assert record["revokedReason"] == "The person responsible for it was deactivated"


def test_a_secret_leads_to_its_record_whatever_became_of_it(api: APIClient, other: Issued) -> None:
    found = api.post(f"{URL}/lookup", {"token": f" {other.plaintext}\n"})
    assert (found.status_code, found.json()["id"]) == (200, other.token.public_id)
    api.delete(at(other))
    assert api.post(f"{URL}/lookup", {"token": other.plaintext}).json()["status"] == "revoked"


def test_a_look_up_finds_nothing_elsewhere_and_tells_no_difference(api: APIClient) -> None:
    strangers = make_token(make_member()).plaintext
    unknown = strangers[:-1] + ("a" if strangers[-1] != "a" else "b")
    answers = [api.post(f"{URL}/lookup", {"token": text}) for text in (strangers, unknown, "tsr_sa_x", "é")]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {b'{"error": "Not found", "code": "not_found"}'}


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 1}, {"token": "x" * 1001}, {"secret": "x"}])
def test_a_look_up_needs_a_token(api: APIClient, body: dict[str, Any]) -> None:
    assert api.post(f"{URL}/lookup", body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("get", URL, "tokens.view"),
        ("post", URL, "tokens.manage"),
        ("get", "{id}", "tokens.view"),
        ("patch", "{id}", "tokens.manage"),
        ("delete", "{id}", "tokens.manage"),
        ("post", "{id}/revoke", "tokens.manage"),
        ("post", f"{URL}/lookup", "tokens.view"),
    ],
)
def test_each_operation_needs_its_permission(
    owner: Membership, other: Issued, method: str, path: str, needed: str
) -> None:
    path = path.replace("{id}", at(other))
    without = program(make_token(owner, permissions=["members.view", "usage.view"]))
    response = getattr(without, method)(path)
    assert response.status_code == 403
    assert response.json()["required"] == [needed]
    assert response["WWW-Authenticate"].endswith(f'error="insufficient_scope", scope="{needed}"')
    assert ServiceAccountToken.objects.filter(revoked_at=None).count() == 2
    holder = program(make_token(owner, permissions=[needed]))
    assert getattr(holder, method)(path).status_code in (200, 201, 204, 400)


@pytest.mark.parametrize(
    "token_id", ["tok_01k9zq8c4se1ktw5n9y2a6p0mh", "tok_", "1", "%F0%9F%98%80", "x" * 3000]
)
@pytest.mark.usefixtures("db")
def test_without_a_credential_every_id_is_a_401(client: APIClient, token_id: str) -> None:
    response = client.get(f"{URL}/{token_id}")
    assert (response.status_code, response.json()["code"]) == (401, "credential_required")


def test_unknown_malformed_and_foreign_ids_answer_the_same_bytes(api: APIClient) -> None:
    foreign = make_token(make_member()).token.public_id
    ids = [
        foreign,
        "tok_01k9zq8c4se1ktw5n9y2a6p0mh",
        foreign.upper(),
        "org_" + foreign[4:],
        "1",
        "%00x",
        "é",
        "-",
    ]
    answers = [api.get(f"{URL}/{one}") for one in ids if one != "%00x"]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b'{"error": "Not found", "code": "not_found"}')
    }


def test_a_browsers_accept_header_gets_json(api: APIClient, other: Issued) -> None:
    for accept in ("text/html", "application/xml;q=0.9", "nonsense"):
        response = api.get(at(other), headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert api.get(f"{at(other)}?format=api").json()["id"] == other.token.public_id
