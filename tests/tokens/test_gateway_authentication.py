"""The authentication class for an API behind a gateway, used as that API has it: as a copied file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from tests.support.clients import program
from tests.support.people import make_member, make_organization, make_token

FILE = Path(__file__).resolve().parents[2] / "tokens" / "gateway_authentication.py"
IDENTITY = {
    "X-Tessera-Actor-Type": "service_account",
    "X-Tessera-Subject": "tok_1",
    "X-Tessera-Organization-Id": "org_1",
    "X-Tessera-Permissions": "index:read:* events:write:*",
}

METADATA = {"X-Tessera-Metadata": "eyJhIjoiw6kifQ", "X-Tessera-Organization-Metadata": "e30"}

Call = Callable[[dict[str, str]], Response]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The copy of the file that an API has."""
    shutil.copy(FILE, tmp_path / "copied_authentication.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "copied_authentication", raising=False)
    return import_module("copied_authentication")


@pytest.fixture
def call(copied: ModuleType) -> Call:
    """Send a request with these headers to an API that authenticates by them."""
    return calling(copied.GatewayAuthentication)


@pytest.fixture
def call_with_metadata(copied: ModuleType) -> Call:
    return calling(copied.MetadataGatewayAuthentication)


def calling(authentication: type[BaseAuthentication]) -> Call:
    class Whose(APIView):
        authentication_classes = (authentication,)
        permission_classes = (IsAuthenticated,)

        def get_exception_handler(self) -> Callable[..., Response | None]:
            return exception_handler

        def get(self, request: Request) -> Response:
            user = request.user
            if user.metadata or user.organization_metadata:
                return Response([user.metadata, user.organization_metadata])
            return Response([user.actor_type, user.subject, user.organization_id, *user.permissions])

    return lambda headers: Whose.as_view()(APIRequestFactory().get("/", headers=headers))


def test_the_four_headers_are_the_caller(call: Call) -> None:
    assert call(IDENTITY).data == ["service_account", "tok_1", "org_1", "index:read:*", "events:write:*"]


@pytest.mark.django_db
def test_it_reads_what_forward_authentication_sends(call: Call) -> None:
    token = make_token(make_member(make_organization()), permissions=["index:read:*"])
    verified = program(token).get("/api/auth/verify")
    assert verified.status_code == 204
    response = call({name: verified.headers[name] for name in IDENTITY})
    assert response.data[0] == "service_account"
    assert response.data[3:] == ["index:read:*"]


def test_a_caller_without_permissions_is_accepted(call: Call) -> None:
    assert call({**IDENTITY, "X-Tessera-Permissions": ""}).data == ["service_account", "tok_1", "org_1"]


@pytest.mark.parametrize("missing", IDENTITY)
def test_a_request_that_lacks_one_of_them_is_refused(call: Call, missing: str) -> None:
    response = call({name: value for name, value in IDENTITY.items() if name != missing})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_request_with_none_of_them_is_refused(call: Call) -> None:
    assert call({}).status_code == 401


@pytest.mark.parametrize(
    "spoiled",
    [{"X-Tessera-Actor-Type": "admin"}, {"X-Tessera-Subject": ""}, {"X-Tessera-Organization-Id": ""}],
)
def test_an_empty_or_unknown_value_is_refused(call: Call, spoiled: dict[str, str]) -> None:
    assert call({**IDENTITY, **spoiled}).status_code == 401


def test_metadata_is_read_where_the_gateway_asks_for_it(call_with_metadata: Call, call: Call) -> None:
    assert call_with_metadata(IDENTITY | METADATA).data == [{"a": "é"}, {}]
    assert call(IDENTITY | METADATA).data[:2] == ["service_account", "tok_1"]


@pytest.mark.django_db
def test_it_reads_the_metadata_that_forward_authentication_sends(call_with_metadata: Call) -> None:
    owner = make_member(make_organization(metadata={"region": "eu"}))
    token = make_token(owner, metadata={"customer": "4711", "note": "“é” 😀"})
    verified = program(token).get("/api/auth/verify?metadata=1")
    sent = {name: verified.headers[name] for name in IDENTITY | METADATA}
    assert call_with_metadata(sent).data == [token.token.metadata, {"region": "eu"}]


@pytest.mark.parametrize("spoiled", [None, "", "é", "e3", "W10", "bnVsbA", "eyJ", "{}"])
@pytest.mark.parametrize("header", METADATA)
def test_metadata_that_is_missing_or_malformed_is_refused(
    call_with_metadata: Call, header: str, spoiled: str | None
) -> None:
    headers = IDENTITY | METADATA
    del headers[header]
    if spoiled is not None:
        headers[header] = spoiled
    assert call_with_metadata(headers).status_code == 401
