"""Rotation under a crowd: one new secret, and no use of a secret after the answer that ended it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from pytest_django import Settings

from accounts import errors
from accounts.errors import APIError
from accounts.models import Membership, Organization
from accounts.permissions.actor import SYSTEM
from tests.support.clients import program
from tests.support.people import actor, make_member, make_organization, make_plan, make_token
from tests.support.threads import at_once
from tokens.credentials.token_lookup import authenticate_token
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.rotation import cancel, finish, rotate

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
CROWD = 8
WHOAMI = "/api/auth/whoami"


@pytest.fixture
def chief(settings: Settings) -> Membership:
    settings.REFUSALS_PER_MINUTE = 1_000_000
    # Of many rounds each makes a token.
    settings.ACTIVE_TOKENS_PER_ORGANIZATION = 1_000_000
    return make_member(make_organization(plan=make_plan("unlimited", None)))


def status(issued: Issued) -> int:
    try:
        return int(program(issued).get(WHOAMI).status_code)
    finally:
        connection.close()


def uses(issued: Issued) -> list[Callable[[], object]]:
    return [partial(status, issued)] * CROWD


def remembered(*secrets: Issued) -> None:
    """Let this process remember them, as the second reading of each does."""
    for _ in range(2):
        assert [status(one) for one in secrets] == [200] * len(secrets)


def valid_secrets(token: ServiceAccountToken) -> int:
    return TokenSecret.objects.filter(token=token, valid_until=None, revoked_at=None).count()


def test_of_parallel_rotations_one_makes_a_secret(chief: Membership) -> None:
    token = make_token(chief).token
    for _ in range(ROUNDS):
        results = at_once([partial(rotate, token=token, actor=actor(chief)) for _ in range(CROWD)])
        refused = [result.error for result in results if isinstance(result, APIError)]
        assert refused == [errors.ROTATION_IN_PROGRESS] * (CROWD - 1)
        assert valid_secrets(token) == 1
        finish(token=token, actor=actor(chief))


def test_of_parallel_requests_with_one_idempotency_key_one_makes_a_secret(chief: Membership) -> None:
    token = make_token(chief).token
    api = make_token(chief, permissions=["*:*:*"])
    path = f"/api/v1/tokens/{token.public_id}/rotate"

    def ask(key: str) -> tuple[int, str]:
        try:
            response = program(api).post(path, {}, headers={"Idempotency-Key": key})
            return response.status_code, response.json().get("code", "")
        finally:
            connection.close()

    for number in range(ROUNDS):
        answers = at_once([partial(ask, str(number))] * CROWD)
        assert sorted(map(str, answers)) == sorted(
            map(str, [(201, ""), *[(409, "already_created")] * (CROWD - 1)])
        )
        finish(token=token, actor=actor(chief))


def test_no_secret_outlives_a_revocation_that_races_its_rotation(chief: Membership) -> None:
    for _ in range(ROUNDS):
        issued = make_token(chief)
        token = issued.token
        rotated, _ = at_once(
            [partial(rotate, token=token, actor=actor(chief)), partial(revoke, token=token, actor=SYSTEM)]
        )
        secrets = [issued.plaintext]
        if isinstance(rotated, Issued):
            secrets.append(rotated.plaintext)
        else:
            assert isinstance(rotated, APIError)
            assert rotated.error is errors.TOKEN_NOT_ACTIVE
        assert {authenticate_token(secret) for secret in secrets} == {errors.TOKEN_REVOKED}


def test_after_a_finish_that_races_its_use_the_old_secret_is_refused(chief: Membership) -> None:
    for _ in range(ROUNDS):
        old = make_token(chief)
        new = rotate(token=old.token, actor=actor(chief))
        remembered(old, new)
        _, *answers = at_once([partial(finish, token=old.token, actor=actor(chief)), *uses(old)])
        assert set(answers) <= {200, 401}
        assert [status(one) for one in (old, new, old, new)] == [401, 200, 401, 200]


def test_after_a_cancellation_that_races_its_use_the_new_secret_is_refused(chief: Membership) -> None:
    for _ in range(ROUNDS):
        old = make_token(chief)
        new = rotate(token=old.token, actor=actor(chief))
        remembered(old, new)
        _, *answers = at_once([partial(cancel, token=old.token, actor=actor(chief)), *uses(new)])
        assert set(answers) <= {200, 401}
        assert [status(one) for one in (old, new, old, new)] == [200, 401, 200, 401]


def test_parallel_first_uses_end_the_overlap_once(chief: Membership) -> None:
    for _ in range(ROUNDS):
        old = make_token(chief)
        new = rotate(token=old.token, actor=actor(chief), close_after_first_use_seconds=0)
        remembered(old)
        before = Organization.objects.get(pk=chief.organization_id).generation
        assert at_once(uses(new)) == [200] * CROWD
        assert Organization.objects.get(pk=chief.organization_id).generation == before + 1
        assert [status(one) for one in (old, new)] == [401, 200]


def test_a_first_use_that_races_a_cancellation_leaves_one_valid_secret(chief: Membership) -> None:
    outcomes = set()
    for _ in range(ROUNDS):
        old = make_token(chief)
        new = rotate(token=old.token, actor=actor(chief), close_after_first_use_seconds=0)
        cancelled, _ = at_once([partial(cancel, token=old.token, actor=actor(chief)), partial(status, new)])
        was_cancelled = not isinstance(cancelled, APIError)
        assert [status(one) for one in (old, new)] == ([200, 401] if was_cancelled else [401, 200])
        outcomes.add(was_cancelled)
    assert outcomes == {True, False} or ROUNDS < 20
