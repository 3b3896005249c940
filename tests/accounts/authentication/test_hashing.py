"""A process hashes one password at a time; a few wait in their order, and the next is refused for now."""

from __future__ import annotations

import os
import sys
from threading import Event, Thread, get_native_id
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client
from pytest_django import Settings

from accounts.authentication import hashing
from accounts.authentication.hashing import Queue
from accounts.errors import APIError
from tests.support.sessions import login, make_person

OURS = ["accounts.authentication.hashing.OneAtATimeArgon2"]


class Holder(Thread):
    """Holds a turn until it is let go; ``order`` gets its number when it has one."""

    def __init__(self, queue: Queue, number: int, order: list[int]) -> None:
        super().__init__()
        self.queue, self.number, self.order = queue, number, order
        self.has_turn, self.go = Event(), Event()
        self.start()

    def run(self) -> None:
        with self.queue.turn():
            self.order.append(self.number)
            self.has_turn.set()
            self.go.wait(30)


def wait_until_waiting(queue: Queue, number: int) -> None:
    while len(queue._waiting) < number:
        Event().wait(0.001)


def test_turns_are_had_in_the_order_of_arrival_and_one_too_many_is_refused() -> None:
    queue, order = Queue(3), []
    holders = [Holder(queue, 0, order)]
    assert holders[0].has_turn.wait(30)
    for number in (1, 2, 3):
        holders.append(Holder(queue, number, order))
        wait_until_waiting(queue, number)
    with pytest.raises(APIError) as caught, queue.turn():
        raise AssertionError("The queue was full.")
    assert caught.value.extra == {"retry_after": 2}
    for holder in holders:
        assert holder.has_turn.wait(30)
        assert order == list(range(holder.number + 1))
        holder.go.set()
        holder.join()
    with queue.turn():
        pass


def test_a_turn_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 0.01)
    queue, order = Queue(1), []
    holder = Holder(queue, 0, order)
    assert holder.has_turn.wait(30)
    with pytest.raises(APIError), queue.turn():
        raise AssertionError("Somebody else has the turn.")
    holder.go.set()
    holder.join()
    with queue.turn():
        pass


def test_hashes_made_with_other_numbers_go_on_working(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    before = make_password("a-long-enough-passphrase")
    settings.PASSWORD_HASHERS = OURS
    replaced: list[str] = []
    assert check_password("a-long-enough-passphrase", before, replaced.append)
    assert replaced == ["a-long-enough-passphrase"]
    assert "m=47104,t=2,p=1" in make_password("a-long-enough-passphrase")


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has priorities of threads.")
def test_passwords_are_hashed_with_a_lower_priority_than_everything_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = OURS
    found: list[int] = []

    def noted(*_: object) -> bool:
        found.append(os.getpriority(os.PRIO_PROCESS, get_native_id()))
        return True

    before = os.getpriority(os.PRIO_PROCESS, get_native_id())
    encoded = make_password("a-long-enough-passphrase")
    monkeypatch.setattr(Argon2PasswordHasher, "verify", noted)
    assert check_password("a-long-enough-passphrase", encoded)
    assert (found, os.getpriority(os.PRIO_PROCESS, get_native_id())) == ([before + hashing.NICENESS], before)


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["ada@example.com", "unknown@example.com"])
def test_a_sign_in_that_finds_the_queue_full_is_503_and_no_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    settings.PASSWORD_HASHERS = OURS
    make_person(email="ada@example.com")
    full = Queue(0)
    monkeypatch.setattr(hashing, "queue", full)
    with full.turn():
        for _ in range(settings.SIGN_INS_PER_ACCOUNT + 1):
            response = login(email)
            assert (response.status_code, response["Retry-After"]) == (503, "2")
        page: Any = Client().post("/accounts/login/", {"login": email, "password": "x"})
        assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert login("ada@example.com").status_code == 200
