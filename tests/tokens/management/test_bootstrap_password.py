"""The command line takes a password without showing it in the process list."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "quiet otters dance at noon"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESSERA_PASSWORD", raising=False)


def bootstrap(*more: str) -> str:
    """Returns what it wrote to standard error."""
    call_command(
        "bootstrap",
        *("--email", "ada@example.com", "--organization", "Acme", *more),
        stdout=io.StringIO(),
        stderr=(problems := io.StringIO()),
    )
    return problems.getvalue()


def has_password(password: str = PASSWORD) -> bool:
    return User.objects.get(email="ada@example.com").check_password(password)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_PASSWORD", PASSWORD)
    assert bootstrap() == ""
    assert has_password()


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_from_standard_input(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + end))
    assert bootstrap("--password-stdin") == ""
    assert has_password()


def test_the_flag_still_works_and_warns() -> None:
    warning = bootstrap("--password", PASSWORD)
    assert "process list" in warning
    assert PASSWORD not in warning
    assert has_password()


def test_the_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_PASSWORD", "another one that is long")
    bootstrap("--password", PASSWORD)
    assert has_password()


def test_two_ways_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("x"))
    with pytest.raises(CommandError, match="either"):
        bootstrap("--password", PASSWORD, "--password-stdin")


def test_without_any_an_account_has_no_password() -> None:
    assert bootstrap() == ""
    assert not User.objects.get(email="ada@example.com").has_usable_password()
