"""The form of log lines: one line each, whole, bounded, and the same for requests and for everything else."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client
from drf_spectacular import drainage
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Membership
from config.http import documentation
from config.logging import formatter, setup
from tests.support.clients import program
from tests.support.people import browser_of
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
HOSTILE = 'a\r\n{"level": "forged"}\x1b[31m\u2028\u2029\u202e\x00\x7f'


@pytest.fixture(autouse=True)
def json_lines(settings: Any) -> None:
    settings.ACCESS_LOG, settings.LOG_FORMAT = True, "json"


def written(form: str, message: str, *arguments: object, **more: Any) -> str:
    record = logging.LogRecord(
        "tests", logging.WARNING, "file", 1, message, arguments, more.pop("exc_info", None)
    )
    record.__dict__ |= more
    setup.AboutRequest().filter(record)
    return formatter.formatter(form).format(record)


def test_what_the_schema_warns_of_is_a_log_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def warning(self: SchemaGenerator, **_: Any) -> dict[str, Any]:
        drainage.warn("unable to guess serializer")
        return {}

    monkeypatch.setattr(SchemaGenerator, "get_schema", warning)
    drainage.reset_generator_stats()
    documentation.written.__wrapped__("json")
    drainage.reset_generator_stats()
    assert "unable to guess serializer" not in capsys.readouterr().err
    assert "The OpenAPI document is incomplete" in caplog.text


def request_lines(capture: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capture.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def test_a_request_of_a_program_is_one_line(issued: Issued, capfd: pytest.CaptureFixture[str]) -> None:
    program(issued).get("/api/v1/tokens", {"page": 1}, headers={"X-Request-ID": "mine-1"})
    (line,) = request_lines(capfd)
    assert line.pop("timestamp").endswith("Z")
    assert 0 < line.pop("duration_ms") < 60_000
    assert line == {
        "level": "info",
        "logger": "tessera.request",
        "event": "request",
        "request_id": "mine-1",
        "actor_type": "service_account",
        "actor_id": issued.token.public_id,
        "organization_id": issued.token.organization.public_id,
        "method": "GET",
        "route": "api/v1/tokens",
        "status": 200,
    }


def test_a_page_names_the_person_and_the_organization(
    owner: Membership, capfd: pytest.CaptureFixture[str]
) -> None:
    browser_of(owner.user).get("/settings/tokens/")
    line = request_lines(capfd)[-1]
    assert line["actor_type"] == "browser"
    assert line["actor_id"] == owner.user.public_id
    assert line["organization_id"] == owner.organization.public_id


@pytest.mark.parametrize(
    "path", ["/nothing/at/all", "/accounts/magic-link/abc", "/api/v1/tokens/tok_1", "/healthz"]
)
def test_a_line_holds_the_route_and_never_the_path(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    Client().get(path)
    (line,) = request_lines(capfd)
    assert line["route"] in (None, "accounts/magic-link/<str:secret>", "api/v1/tokens/<str:token_id>")
    assert line["actor_type"] == "nobody"
    assert path not in json.dumps(line)


def test_no_text_of_a_client_makes_a_second_line(issued: Issued, capfd: pytest.CaptureFixture[str]) -> None:
    client = program(issued)
    client.generic("GET", f"/api/{HOSTILE}", headers={"User-Agent": HOSTILE, "X-Request-ID": HOSTILE})
    client.generic("FORGED\x1b", "/api/v1/tokens")
    captured = capfd.readouterr().err
    assert [json.loads(line)["level"] for line in captured.splitlines()] == ["info", "info"]
    assert captured.isascii()
    assert not set(captured) & {"\r", "\x1b", "\x00"}


def test_lines_of_requests_can_be_switched_off(settings: Any, capfd: pytest.CaptureFixture[str]) -> None:
    settings.ACCESS_LOG = False
    Client().get("/api/auth/whoami")
    assert request_lines(capfd) == []


def test_at_a_terminal_a_request_is_readable(settings: Any, capfd: pytest.CaptureFixture[str]) -> None:
    settings.LOG_FORMAT = "console"
    Client().get("/api/auth/whoami")
    (line,) = capfd.readouterr().err.splitlines()
    assert " 401 GET /api/auth/whoami " in line
    assert line.endswith(" ms, nobody")


def test_any_other_line_is_json_escaped_and_cut() -> None:
    line = written("json", "It said %s", HOSTILE + "x" * 1_000_000)
    assert line.isascii()
    assert "\n" not in line
    assert len(line) < 2_500
    found = json.loads(line)
    assert found["event"].startswith("It said a\r\n{")
    assert (found["level"], found["logger"]) == ("warning", "tests")


def test_at_a_terminal_no_text_moves_the_cursor() -> None:
    line = written("console", "It said %s", HOSTILE)
    assert "\\r\\n{" in line
    assert not set(line) & set("\r\n\x1b\x00\x7f\u2028\u2029\u202e")


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise RuntimeError("redis://user:a-password@redis:6379 is unavailable")
    except RuntimeError:
        line = written("json", "Failed", exc_info=sys.exc_info())
    found = json.loads(line)
    assert "RuntimeError: redis://[hidden]@redis:6379 is unavailable" in found["exception"]


def test_the_address_of_a_mailed_link_is_no_part_of_a_line(rf: Any) -> None:
    request = rf.get("/accounts/magic-link/the-secret")
    line = written("json", "%s: %s", "Internal Server Error", request.path, request=request)
    assert json.loads(line)["event"] == "Internal Server Error: (its path)"


@pytest.mark.parametrize(
    "secret",
    [
        "tsr_sa_Aa0bCdEfGhIjKlMnOpQrStUvWxYz0123456789abcde",
        "q" * 31 + "7",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3IifQ.c2lnbmF0dXJl",
        "Bearer short",
        "Basic dTpw",
        "postgres://tessera:short@db/tessera",
        "redis://:short@redis/0",
    ],
)
def test_what_looks_like_a_secret_is_masked(secret: str) -> None:
    shown = formatter.masked(f"Invalid header '{secret}' came")
    assert formatter.HIDDEN in shown
    assert "short" not in shown
    assert secret not in shown
    assert shown.endswith("' came")


@pytest.mark.parametrize(
    "text",
    [
        "tok_01h455vb4pex5vsknk084sn02q",
        "0198f0c2-7c3a-7d2e-9b1a-0123456789ab",
        "d71326ac07ee9af5d088b94a740bc71b" * 2,
        "tests/accounts/test_membership_permissions_of_owners.py",
        "connection to server at 127.0.0.1, port 5432 failed",
    ],
)
def test_what_helps_to_find_a_fault_is_not_masked(text: str) -> None:
    assert formatter.masked(text) == text
