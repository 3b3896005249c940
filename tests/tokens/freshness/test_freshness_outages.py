"""The store is lost amid a revocation or a pause: confirmed and refused, or 503; never accepted after 200."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Membership, Organization
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.store import client
from tests.ratelimit.store.own_redis import OwnRedis, use
from tests.support.clients import program
from tests.support.people import make_member, make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import Program, make_program
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db(transaction=True)
WHOAMI = "/api/auth/whoami"
NOWHERE = "redis://127.0.0.1:1/0"

# A revocation marks, commits, publishes; the store is lost before or after its part of that.
STEPS = {
    "before the mark": ("mark", "before"),
    "between the mark and the commit": ("mark", "after"),
    "between the commit and the publishing": ("publish", "before"),
    "before the answer to the publishing": ("publish", "after"),
}


class Killed(BaseException):
    """The process ends here, as kill -9 would."""


class Loss:
    """How the store is lost, and how it is there again."""

    def __init__(self, server: OwnRedis, settings: Any, how: str) -> None:
        self.server, self.settings, self.how = server, settings, how

    def happens(self) -> None:
        self.is_over: Callable[[], None] = getattr(self, self.how)()

    def restarted_empty(self) -> Callable[[], None]:
        self.server.client.flushall()
        self.server.client.save()
        self.server.kill()
        return self.server.start

    def restarted_with_an_older_past(self) -> Callable[[], None]:
        self.server.kill()
        return self.server.restart_from_snapshot

    def hanging(self) -> Callable[[], None]:
        """What it was sent meanwhile it carries out when it goes on."""
        self.server.pause()
        return self.server.resume

    def out_of_reach(self) -> Callable[[], None]:
        """For the revoking process alone: everybody else has it as before."""
        use(NOWHERE, self.settings)
        return lambda: use(self.server.url, self.settings)


LOSSES = ("restarted_empty", "restarted_with_an_older_past", "hanging", "out_of_reach")


@contextmanager
def at(step: str, happens: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let it happen once, at that step of the next change that is published to Redis."""
    word, when = STEPS[step]
    tell = client.fence
    done: list[bool] = []

    def telling(keys: list[str], arguments: list[Any]) -> Any:
        due = arguments[0] == word and not done
        if due:
            done.append(True)
        if due and when == "before":
            happens()
        answer = tell(keys, arguments)
        if due and when == "after":
            happens()
            if word == "publish":
                raise client.StoreUnavailable
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(client, "fence", telling)
        yield
    assert done


@pytest.fixture
def revoker(own_redis: OwnRedis, issued: Issued) -> APIClient:
    Organization.objects.update(requests_per_day=1_000_000)
    return program(issued)


def warm(issued: Issued) -> None:
    for _ in range(2):
        assert program(issued).get(WHOAMI).status_code == 200


def is_accepted(issued: Issued) -> bool:
    return any(program(issued).get(WHOAMI).status_code != 401 for _ in range(3))


def revocation(revoker: APIClient, issued: Issued) -> Any:
    return revoker.delete(f"/api/v1/tokens/{issued.token.public_id}")


def pause(revoker: APIClient, issued: Issued) -> Any:
    return revoker.post(f"/api/v1/tokens/{issued.token.public_id}/pause")


@pytest.mark.parametrize(
    ("loss", "change", "confirmed"), [*((loss, revocation, 204) for loss in LOSSES), ("hanging", pause, 200)]
)
def test_a_revocation_or_pause_is_refused_everywhere_or_answered_with_503(
    loss: str,
    change: Callable[..., Any],
    confirmed: int,
    own_redis: OwnRedis,
    owner: Membership,
    revoker: APIClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_redis.snapshot()
    for step in STEPS:
        issued = make_token(owner)
        warm(issued)
        lost = Loss(own_redis, settings, loss)
        with at(step, lost.happens, monkeypatch):
            first = change(revoker, issued)
        stored = ServiceAccountToken.objects.get(pk=issued.token.pk)
        assert stored.revoked_at or stored.paused_at
        lost.is_over()
        assert first.status_code in (confirmed, 503), step
        if first.status_code == 503:
            assert first["Retry-After"]
            assert change(revoker, issued).status_code == confirmed, step
        assert not is_accepted(issued), step


def test_a_process_that_dies_after_its_commit_leaves_a_mark_that_sends_everybody_to_sql(
    own_redis: OwnRedis, owner: Membership, revoker: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = make_token(owner)
    warm(issued)

    def die() -> None:
        raise Killed

    with at("between the commit and the publishing", die, monkeypatch), suppress(Killed):
        revoker.delete(f"/api/v1/tokens/{issued.token.public_id}")

    assert not is_accepted(issued)


def remove_member(session: APIClient, member: Membership, importer: Program) -> Any:
    return session.delete(f"/api/v1/members/{member.public_id}")


def lower_role(session: APIClient, member: Membership, importer: Program) -> Any:
    return session.patch(f"/api/v1/members/{member.public_id}", {"role": Role.VIEWER})


def delete_client(session: APIClient, member: Membership, importer: Program) -> Any:
    return session.delete(f"/api/v1/clients/{importer.id}")


def pause_token(session: APIClient, member: Membership, importer: Program) -> Any:
    token = ServiceAccountToken.objects.get(name="to be paused")
    return session.post(f"/api/v1/tokens/{token.public_id}/pause")


def suspend(session: APIClient, member: Membership, importer: Program) -> Any:
    with suppress(client.StoreUnavailable):
        update.suspend(organization=member.organization, actor=SYSTEM)


@pytest.mark.parametrize("change", [remove_member, lower_role, delete_client, suspend, pause_token])
def test_what_was_not_confirmed_is_by_its_repetition(
    change: Callable[..., Any], owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the repetition finds nothing left to do: it must not say so before every worker knows."""
    member, importer = make_member(owner.organization, Role.ADMIN), make_program(owner)
    session = session_of(owner)
    bearers = {
        remove_member: program(make_token(member)),
        lower_role: session_of(member),
        delete_client: program(importer.grant()["access_token"]),
        suspend: program(make_token(owner)),
        pause_token: program(make_token(owner, "to be paused")),
    }
    path = "/api/v1/audit-events" if change is lower_role else WHOAMI
    for _ in range(2):
        assert bearers[change].get(path).status_code == 200

    with monkeypatch.context() as patched:
        patched.setattr(client, "fence", unreachable)
        first = change(session, member, importer)
        assert first is None or first.status_code == 503
    # Redis did not learn of it, so cached credentials stay valid: 503 says so.
    assert bearers[change].get(path).status_code == 200
    again = change(session, member, importer)
    assert again is None or again.status_code in (200, 204, 404)

    assert bearers[change].get(path).status_code in (401, 403)


def unreachable(*_: object) -> None:
    raise client.StoreUnavailable
