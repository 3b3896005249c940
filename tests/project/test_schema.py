"""The live documentation: complete, valid, and true of what the API answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView

from accounts.drf.permissions import declared_scope
from accounts.drf.routes import routes
from config.http import documentation
from config.http.documentation import DocumentView
from tests.support.threads import at_once
from tokens.credentials import forward_auth_paths

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(Client().get("/api/schema").content)


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()
    ]


def test_the_document_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_anyone_may_read_it_as_json_or_yaml(client: Client) -> None:
    for accept in ("*/*", "application/json", "text/html", ""):
        response = client.get("/api/schema", headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response.json()["openapi"] == "3.1.0"
    for accept in ("application/yaml", "application/vnd.oai.openapi"):
        response = client.get("/api/schema", headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, accept)
        assert response.content.startswith(b"openapi: 3.1.0\n")
    assert client.post("/api/schema").status_code == 405


class ForwardAuth(APIView):
    """The one plain view in the document, as what it amounts to."""

    scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    def get(self) -> None: ...


@pytest.mark.django_db(transaction=True)
def test_those_who_ask_first_at_the_same_time_wait_for_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def get_schema(_: SchemaGenerator, public: bool) -> dict[str, Any]:
        asked.append(public)
        Event().wait(0.05)
        return {}

    monkeypatch.setattr(SchemaGenerator, "get_schema", get_schema)
    documentation.written.cache_clear()
    try:
        assert at_once([lambda: Client().get("/api/schema").status_code] * 4) == [200] * 4
        assert asked == [True]
    finally:
        documentation.written.cache_clear()


def documented() -> dict[str, Any]:
    """Every view of the API by its path as the document writes it."""
    return {forward_auth_paths.PATH: ForwardAuth} | {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path): route.view
        for route in routes()
        if route.view is not None and route.view is not DocumentView
    }


def test_every_endpoint_is_in_it_and_nothing_else(document: Any) -> None:
    endpoints = {
        (path, method)
        for path, view in documented().items()
        for method in METHODS
        if hasattr(view, method)
        and path.startswith(settings.API_PREFIXES)
        and not path.startswith("/internal/")
    }
    assert {(path, method) for path, method, _ in operations(document)} == endpoints


def test_every_operation_says_what_it_does_and_what_it_needs(document: Any) -> None:
    views = documented()
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        if getattr(views[path], "public", False):
            assert {"bearer": []} not in operation.get("security", ()), path
            continue
        scope = declared_scope(views[path](), method.upper())
        assert operation["security"] == [{"bearer": [scope] if scope else []}], path
        if scope:
            assert f"`{scope}`" in operation["description"]
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def strings(schema: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every string of a request body's schema, by the name of the property that it belongs to."""
    if schema.get("type") == "string":
        yield name, schema
    if "items" in schema:
        yield from strings(schema["items"], name)
    for inner, found in schema.get("properties", {}).items():
        yield from strings(found, inner)


def test_names_permissions_and_scopes_have_a_pattern(document: Any) -> None:
    schemas = document["components"]["schemas"]
    seen = set()
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        for name, found in strings(schemas.get(reference, {})):
            if name in ("name", "organizationName", "permissions", "scopes"):
                assert found["pattern"], (method, path, name)
                seen.add(name)
    assert seen == {"name", "organizationName", "permissions", "scopes"}


def test_parameters_with_a_form_name_it(document: Any) -> None:
    found = {
        (path, parameter["name"]): parameter["schema"]
        for path, method, operation in operations(document)
        for parameter in operation.get("parameters", ())
    }
    for name in ("from", "to"):
        assert found["/api/v1/audit-events", name]["anyOf"] == [{"format": "date"}, {"format": "date-time"}]
        assert found["/api/v1/usage", name]["format"] == "date"
    end_user = re.compile(found["/api/v1/context", "Tessera-User-UUID"]["pattern"])
    assert end_user.match("01890a5d-ac96-774b-bcce-b302099a8057")
    assert not end_user.match("01890a5d-ac96-474b-bcce-b302099a8057")


def expected_refusals(operation: Any) -> set[str]:
    """What follows from an operation's form."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    expected = {"401", "429", "503"}
    if operation["security"] != [{"bearer": []}]:
        expected.add("403")
    if "path" in places:
        expected.add("404")
    if places & {"query", "header"} or "requestBody" in operation:
        expected.add("400")
    if "requestBody" in operation:
        expected |= {"413", "415"}
    return expected


def test_every_operation_names_its_refusals(document: Any) -> None:
    for path, method, operation in operations(document):
        if getattr(documented()[path], "public", False):
            assert operation["responses"].keys() >= {"400", "503"}, path
            continue
        expected = expected_refusals(operation)
        assert expected <= operation["responses"].keys(), f"{method} {path}"
        for status in expected:
            response = operation["responses"][status]
            content = response["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}
            assert content["examples"], f"{method} {path} {status}"
            assert "X-Request-ID" in response["headers"]
        assert "Retry-After" in operation["responses"]["429"]["headers"]
        assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
        good = operation["responses"][min(operation["responses"])]
        assert {"X-RateLimit-Limit", "RateLimit", "RateLimit-Policy"} <= good["headers"].keys()
    assert "409" in document["paths"]["/api/v1/tokens"]["post"]["responses"]


def test_the_page_uses_this_hosts_assets_and_no_inline_script(client: Client) -> None:
    response = client.get("/v1/auth/docs")
    assert response.status_code == 200
    page = response.content.decode()
    addresses = re.findall(r' (?:src|href|action)="([^"]*)"', page)
    assert all(re.match(r"[/#](?!/)", address) for address in addresses)
    assert "<style" not in page
    assert page.count("<script ") == len(re.findall(r"<script [^>]*src=", page)) == page.count("></script>")
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assets = [word.removeprefix("/static/") for word in page.split('"') if word.startswith("/static/")]
    assert {"docs/docs.css", "docs/docs.js"} <= set(assets)
    assert all(finders.find(asset.partition("#")[0]) for asset in assets)
