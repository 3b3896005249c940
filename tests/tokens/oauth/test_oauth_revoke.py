"""Revocation by the client itself (RFC 7009)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from tests.support.people import make_token
from tests.support.sessions import opened
from tests.tokens.oauth.calls import Program, ask, error, make_program, ok, whoami
from tokens.grants import revocation

pytestmark = pytest.mark.django_db


@pytest.fixture
def importer(db: None) -> Program:
    return make_program()


def revoke(program: Program, token: str, **more: str) -> Any:
    return ask("/v1/auth/revoke", token=token, **program.body, **more)


def lives(program: Program, granted: dict[str, Any]) -> bool:
    return whoami(granted["access_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_either_token_ends_the_family_whatever_the_hint(importer: Program, kind: str, hint: str) -> None:
    granted, other = importer.grant(), importer.grant()
    response = revoke(importer, granted[kind], token_type_hint=hint)
    assert ok(response) == {}
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    assert whoami(granted["access_token"]).json()["code"] == "token_revoked"
    assert error(importer.refresh(granted["refresh_token"])) == "invalid_grant"
    assert lives(importer, other)


def test_basic_authenticates_too(importer: Program) -> None:
    granted = importer.grant()
    headers = {"Authorization": importer.basic}
    ok(ask("/v1/auth/revoke", token=granted["refresh_token"], headers=headers))
    assert not lives(importer, granted)


def test_a_spent_refresh_token_ends_the_family(importer: Program) -> None:
    first = importer.grant()
    second = ok(importer.refresh(first["refresh_token"]))
    ok(revoke(importer, first["refresh_token"]))
    assert not lives(importer, second)
    assert error(importer.refresh(second["refresh_token"])) == "invalid_grant"


@pytest.mark.parametrize(
    "token", ["x", "tsr_rt_" + "A" * 43, "tsr_sa_" + "A" * 43, "eyJ.a.b", "é\0", "x" * 15_000]
)
def test_an_unknown_token_is_no_error(importer: Program, token: str) -> None:
    assert ok(revoke(importer, token)) == {}


def test_a_repeat_is_no_error(importer: Program) -> None:
    granted = importer.grant()
    for _ in range(2):
        assert ok(revoke(importer, granted["refresh_token"])) == {}
        assert ok(revoke(importer, granted["access_token"])) == {}


def test_what_was_issued_to_others_is_refused_and_goes_on(importer: Program) -> None:
    """Another client of the same organization, a client of another one, and a person."""
    member = importer.row.responsible
    assert member is not None
    session = opened(member)
    for other in (make_program(member), make_program()):
        granted = other.grant()
        for token in (granted["access_token"], granted["refresh_token"]):
            assert error(revoke(importer, token)) == "unauthorized_client"
        assert lives(other, granted)
        ok(other.refresh(granted["refresh_token"]))
    for token in (session.access_token, session.refresh_token):
        assert error(revoke(importer, token)) == "unauthorized_client"
    assert whoami(session.access_token).status_code == 200


def test_a_credential_of_another_kind_is_unsupported_and_goes_on(importer: Program, settings: Any) -> None:
    settings.INTERNAL_TOKENS = ["an-internal-token-of-more-than-32-characters"]
    issued = make_token(importer.row.responsible)
    for token in (issued.plaintext, importer.secret, *settings.INTERNAL_TOKENS):
        assert error(revoke(importer, token)) == "unsupported_token_type"
    assert whoami(issued.plaintext).status_code == 200
    assert importer.grant()


def test_another_client_cannot_revoke_by_a_token_that_was_rotated(importer: Program) -> None:
    other = make_program(importer.row.responsible)
    first = importer.grant()
    second = ok(importer.refresh(first["refresh_token"]))
    assert error(revoke(other, first["refresh_token"])) == "unauthorized_client"
    assert lives(importer, second)


def test_without_a_client_there_is_no_revocation(importer: Program) -> None:
    granted = importer.grant()
    refresh_token = granted["refresh_token"]
    assert error(ask("/v1/auth/revoke", token=refresh_token), 401) == "invalid_client"
    assert error(ask("/v1/auth/revoke", token=refresh_token, client_id=importer.id), 401) == "invalid_client"
    assert lives(importer, granted)


def test_a_missing_token_is_an_invalid_request(importer: Program) -> None:
    assert error(ask("/v1/auth/revoke", **importer.body)) == "invalid_request"
    assert error(revoke(importer, "")) == "invalid_request"


def test_a_token_in_the_address_is_refused(importer: Program) -> None:
    assert error(ask("/v1/auth/revoke?token=x", **importer.body)) == "invalid_request"


def test_without_its_store_nothing_is_called_revoked(
    importer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = importer.grant()

    def fail(*_: Any, **__: Any) -> int:
        raise OperationalError("the database is unavailable")

    with monkeypatch.context() as broken:
        broken.setattr(revocation, "revoke", fail)
        response = revoke(importer, granted["refresh_token"])
    assert error(response, 503) == "temporarily_unavailable"
    assert response["Retry-After"] == "5"
    assert lives(importer, granted)
