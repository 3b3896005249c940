"""POST /api/v1/leaks: anyone reports a published secret, and the answer never tells whether it was valid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Notice, Organization
from tests.support.clients import program
from tests.support.people import actor, make_token
from tests.tokens.oauth.calls import make_program
from tokens.models import ServiceAccountToken
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
URL = "/api/v1/leaks"


def post(body: Any, **extra: Any) -> Any:
    return Client().post(URL, json.dumps(body), content_type="application/json", **extra)


def test_every_text_gets_the_same_answer(owner: Membership) -> None:
    revoked = make_token(owner)
    revoke(token=revoked.token, actor=actor(owner))
    secrets = [
        *("x", "tsr_sa_" + "A" * 43, "tsr_cs_" + "A" * 43, revoked.plaintext),
        *(make_token(owner).plaintext, make_program(owner).secret),
    ]
    answers = [post({"token": secret, "source": "paste"}) for secret in secrets]
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.content for answer in answers} == {answers[0].content}
    kept = [{name for name in answer.headers if name != "X-Request-ID"} for answer in answers]
    assert kept == [kept[0]] * len(answers)


def test_a_valid_token_is_revoked_at_once(owner: Membership) -> None:
    issued = make_token(owner)
    assert program(issued).get("/api/v1/identity").status_code == 200
    body = {"token": f" {issued.plaintext}\n", "source": "paste", "url": "https://paste.example.com/1"}
    assert post(body).status_code == 202
    assert program(issued).get("/api/v1/identity").status_code == 401
    assert ServiceAccountToken.objects.get().leak_source == "paste"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "x"},
        {"source": "paste"},
        {"token": 1, "source": "paste"},
        {"token": "x", "source": ""},
        {"token": "x", "source": "a\u202eb"},
        {"token": "x", "source": "s" * 101},
        {"token": "t" * 1001, "source": "paste"},
        {"token": "x", "source": "paste", "url": "u" * 2001},
        {"token": "x", "source": "paste", "more": 1},
    ],
)
def test_any_other_body_is_refused(body: dict[str, Any]) -> None:
    assert post(body).status_code == 400


def test_an_address_has_a_limit_whatever_it_reports(owner: Membership, settings: Any) -> None:
    settings.LEAK_REPORTS_PER_MINUTE = 2
    issued = make_token(owner)
    body = {"token": "x", "source": "paste"}
    assert [post(body).status_code for _ in range(3)] == [202, 202, 429]
    refused = post({"token": issued.plaintext, "source": "paste"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert program(issued).get("/api/v1/identity").status_code == 200
    assert post(body, REMOTE_ADDR="192.0.2.7").status_code == 202


def test_a_record_says_when_and_where_it_was_found(owner: Membership) -> None:
    issued, watcher = make_token(owner, "leaky"), make_token(owner, permissions=["tokens.view"])
    url = f"/api/v1/tokens/{issued.token.public_id}"
    before = program(watcher).get(url).json()
    assert (before["leakedAt"], before["leakSource"]) == (None, None)
    post({"token": issued.plaintext, "source": "paste"})
    after = program(watcher).get(url).json()
    assert (after["status"], after["leakSource"]) == ("revoked", "paste")
    assert after["leakedAt"] == after["revokedAt"]
    assert after["revokedReason"] == "Found in public: paste"
    assert [
        one["name"] for one in program(watcher).get("/api/v1/tokens?status=revoked").json()["results"]
    ] == ["leaky"]


def test_an_organization_that_was_deleted_is_not_mailed(owner: Membership) -> None:
    issued = make_token(owner)
    Notice.objects.all().delete()
    Organization.objects.update(deleted_at=timezone.now())
    assert post({"token": issued.plaintext, "source": "paste"}).status_code == 202
    assert not Notice.objects.exists()
