"""A developer's own endpoints, of every kind: checked, guarded and documented like Tessera's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client

from accounts.drf.checks import check_endpoints
from accounts.models import Index, Membership
from config.http import documentation
from tests.support.people import make_member, make_organization, make_token

# The last is the example in README.md.
PATHS = (
    *("/api/function", "/api/undocumented", "/api/brand-list", "/api/brands", "/shop/brands"),
    "/api/index-names",
)


@pytest.fixture(autouse=True)
def own_endpoints(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.project.own_endpoints"
    settings.API_PREFIXES = (*django_settings.API_PREFIXES, "/shop/")
    # A process makes the document once.
    documentation.written.cache_clear()
    yield
    documentation.written.cache_clear()


@pytest.fixture
def owner(db: None) -> Membership:
    return make_member()


def bearer(owner: Membership, *permissions: str) -> Client:
    issued = make_token(owner, " ".join(permissions), list(permissions))
    return Client(headers={"Authorization": f"Bearer {issued.plaintext}"})


def test_the_checks_find_nothing_to_say() -> None:
    assert check_endpoints() == []


@pytest.mark.parametrize("path", PATHS)
def test_a_token_with_the_permission_gets_an_answer_with_the_limits(path: str, owner: Membership) -> None:
    response = bearer(owner, "index:read:*").get(path)
    assert response.status_code == 200, response.content
    assert response["X-RateLimit-Limit"]


@pytest.mark.parametrize("path", PATHS)
def test_a_token_without_it_is_refused_with_its_name(path: str, owner: Membership) -> None:
    response = bearer(owner, "usage.view").get(path)
    assert (response.status_code, response.json()["required"]) == (403, ["index:read:*"])


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_the_api_key_is_missing(path: str, db: None) -> None:
    assert Client().get(path).json()["code"] == "credential_required"


def test_each_action_of_a_viewset_has_its_own_permission(owner: Membership) -> None:
    reader, writer = bearer(owner, "index:read:*"), bearer(owner, "index:write:*")
    assert reader.post("/api/brands/publish").json()["required"] == ["index:write:*"]
    assert writer.post("/api/brands/publish").json() == {"published": True}
    assert writer.put("/api/brands/publish").status_code == 405


def test_the_readmes_example_lists_its_own_organization_only(owner: Membership) -> None:
    for organization, name in ((owner.organization, "ours"), (make_organization(), "theirs")):
        Index.objects.create(organization=organization, name=name)
    response = bearer(owner, "index:read:*").get("/api/index-names")
    assert response.json() == {"names": ["ours"]}


def test_the_schema_is_valid_and_names_each_permission(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    call_command("spectacular", validate=True, file=str(file), format="openapi-json")
    paths = json.loads(file.read_text())["paths"]
    for path in PATHS:
        assert "Needs the permission `index:read:*`." in paths[path]["get"]["description"], path
    assert "`index:write:*`" in paths["/api/brands/publish"]["post"]["description"]


def test_the_documents_endpoint_answers(client: Client, db: None) -> None:
    response = client.get("/api/schema")
    assert response.status_code == 200
    assert "/api/undocumented" in response.json()["paths"]
