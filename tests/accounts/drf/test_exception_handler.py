"""Whatever a view of the API raises, the client gets one form of error."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.test import Client
from psycopg.errors import ReadOnlySqlTransaction
from redis import RedisError
from rest_framework import serializers

from accounts.drf.exception_handler import api_error_of, is_store_failure

pytestmark = pytest.mark.urls("tests.config.edge_urls")

NOT_FOUND = {"error": "Not found", "code": "not_found"}
UNAVAILABLE = {"error": "Temporarily unavailable", "code": "unavailable"}
FORBIDDEN = {"error": "Permission denied", "code": "forbidden"}
BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "refused": (409, {"error": "Token limit reached", "code": "token_limit_reached", "limit": 50}),
    "scope": (
        403,
        {"error": "Permission denied", "code": "insufficient_scope", "required": ["tokens.manage"]},
    ),
    "unauthenticated": (401, {"error": "API key required", "code": "credential_required"}),
    "bad-credential": (401, {"error": "Invalid API key", "code": "invalid_token"}),
    "denied": (403, FORBIDDEN),
    "missing": (404, NOT_FOUND),
    "missing-drf": (404, NOT_FOUND),
    "throttled": (429, {"error": "Rate limit exceeded", "code": "rate_limited", "retry_after": 13}),
    "suspicious": (400, {"error": "Invalid request", "code": "invalid_request"}),
    "nested": (
        400,
        {
            "error": "Invalid request",
            "code": "invalid_request",
            "fields": {"name": ["Too long."], "items.1.scope": ["Unknown."], "non_field_errors": ["No."]},
        },
    ),
    "sentence": (
        400,
        {"error": "Invalid request", "code": "invalid_request", "fields": {"non_field_errors": ["No."]}},
    ),
    "database": (503, UNAVAILABLE),
    "redis": (503, UNAVAILABLE),
    "fault": (500, {"error": "Internal error", "code": "internal_error"}),
}
CHALLENGES = {
    "scope": 'Bearer realm="tessera", error="insufficient_scope", scope="tokens.manage"',
    "unauthenticated": 'Bearer realm="tessera"',
    "bad-credential": 'Bearer realm="tessera", error="invalid_token"',
}


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("view", ["raise", "plain"])
@pytest.mark.parametrize("name", BODIES)
def test_what_a_view_raises_becomes_its_exact_refusal(
    client: Client, settings: Any, name: str, view: str, debug: bool
) -> None:
    settings.DEBUG = debug
    status, body = BODIES[name]
    response = client.get(f"/api/{view}/{name}")
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == body
    assert response.headers.get("WWW-Authenticate") == CHALLENGES.get(name)
    assert response.headers.get("Retry-After") == {503: "5", 429: "13"}.get(status)


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_path_of_the_api_has_the_bytes_of_an_unknown_id(
    client: Client, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    unknown = client.get("/api/nothing-here")
    assert unknown.status_code == 404
    assert unknown.content == client.get("/api/raise/missing").content


def test_a_fault_is_logged_with_its_traceback_and_request_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/api/raise/fault", headers={"X-Request-ID": "a-1"})
    results = [record.getMessage() for record in caplog.records if record.exc_info]
    assert results == ["Request a-1 failed"]
    assert "internal reason" in caplog.text


def test_an_outage_is_logged_in_one_line_with_the_request_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/api/raise/redis", headers={"X-Request-ID": "a-2"})
    ours = [record for record in caplog.records if record.name == "accounts.drf.exception_handler"]
    assert [record.getMessage() for record in ours] == [
        "A store did not answer (ConnectionError: redis is unavailable), request a-2"
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_a_wrong_method_names_the_right_ones(client: Client) -> None:
    response = client.delete("/api/echo")
    assert response.status_code == 405
    assert response.json() == {"error": "Method not allowed", "code": "method_not_allowed"}
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", ";;;", "", "x" * 8_000])
def test_json_is_served_whatever_is_asked_for(client: Client, accept: str) -> None:
    for path, status in (("/api/echo", 200), ("/api/raise/missing", 404), ("/api/nothing-here", 404)):
        response = client.get(path, headers={"Accept": accept})
        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/json"


def test_djangos_own_validation_errors_are_told_by_field() -> None:
    results = api_error_of(ValidationError({"name": ["Too long."], "__all__": ["No."]}))
    assert results is not None
    assert results.extra == {"fields": {"name": ["Too long."], "non_field_errors": ["No."]}}
    results = api_error_of(ValidationError("No."))
    assert results is not None
    assert results.extra == {"fields": {"non_field_errors": ["No."]}}


def test_errors_of_nested_serializers_have_dotted_names() -> None:
    class Item(serializers.Serializer[Any]):
        scope = serializers.CharField(max_length=2)

    class Outer(serializers.Serializer[Any]):
        items = Item(many=True)
        tags = serializers.ListField(child=serializers.IntegerField())

    outer = Outer(data={"items": [{"scope": "ok"}, {"scope": "long"}, 7], "tags": [1, "x"]})
    with pytest.raises(serializers.ValidationError) as raised:
        outer.is_valid(raise_exception=True)
    results = api_error_of(raised.value)
    assert results is not None
    assert list(results.extra["fields"]) == ["items.1.scope", "items.2", "tags.1"]


def test_only_an_absent_store_is_an_outage() -> None:
    read_only = InternalError("cannot execute UPDATE in a read-only transaction")
    read_only.__cause__ = ReadOnlySqlTransaction()
    outages = [OperationalError(), InterfaceError(), RedisError(), read_only]
    assert all(is_store_failure(exc) for exc in outages)
    assert not any(
        is_store_failure(exc) for exc in [DatabaseError(), InternalError(), OSError(), ValueError()]
    )
