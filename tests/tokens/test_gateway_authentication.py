"""The authentication class for an API behind a gateway, used as that API has it: as a copied file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
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

Call = Callable[[dict[str, str]], Response]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Send a request with these headers to an API that has a copy of the file."""
    shutil.copy(FILE, tmp_path / "copied_authentication.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "copied_authentication", raising=False)
    copied = import_module("copied_authentication")

    class Whose(APIView):
        authentication_classes = (copied.GatewayAuthentication,)
        permission_classes = (IsAuthenticated,)

        def get_exception_handler(self) -> Callable[..., Response | None]:
            return exception_handler

        def get(self, request: Request) -> Response:
            user = request.user
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
