"""The system checks that stop the start where an endpoint or a page is not guarded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.decorators import action, api_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.drf.checks import check_endpoints
from accounts.drf.permissions import required_scopes
from accounts.models import Index
from accounts.pages.decorators import PageRequest, page


class Guarded(APIView):
    scopes = {"GET": "tokens.view"}

    def get(self, request: Request) -> Response:
        return Response()


class HalfGuarded(Guarded):
    def post(self, request: Request) -> Response:
        return Response()


class Unchecked(Guarded):
    permission_classes = (AllowAny,)


class Anonymous(Guarded):
    authentication_classes = ()


class Public(APIView):
    public = True
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response()


class Misspelt(APIView):
    scopes = {"GET": "tokens.veiw"}

    def get(self, request: Request) -> Response:
        return Response()


class Orders(ReadOnlyModelViewSet):
    queryset = Index.objects.all()


class ListedOrders(Orders):
    scopes = {"list": "tokens.view"}

    @action(detail=False, methods=["post"])
    def cancel(self, request: Request) -> Response:
        return Response()


@api_view(["GET", "POST"])
def function(request: Request) -> Response:
    return Response()


@required_scopes(GET="tokens.view", POST="tokens.manage")
@api_view(["GET", "POST"])
def guarded_function(request: Request) -> Response:
    return Response()


@page("tokens.veiw")
def misspelt_page(request: PageRequest) -> HttpResponse:
    return HttpResponse()


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@page("tokens.view")
def guarded_page(request: PageRequest) -> HttpResponse:
    return HttpResponse()


def messages_at(monkeypatch: pytest.MonkeyPatch, settings: Any, route: str, view: Any) -> list[Any]:
    prefix, _, rest = route.partition("/")
    module = SimpleNamespace(urlpatterns=[path(f"{prefix}/", include([path(rest, view)]))])
    monkeypatch.setitem(__import__("sys").modules, "tests.some_urls", module)
    settings.ROOT_URLCONF = "tests.some_urls"
    return check_endpoints()


@pytest.mark.parametrize(
    ("route", "view", "messages"),
    [
        ("api/v1/things", Guarded.as_view(), []),
        ("api/v1/things", HalfGuarded.as_view(), ["accounts.E001"]),
        ("api/v1/things", Unchecked.as_view(), ["accounts.E002"]),
        ("api/v1/things", Anonymous.as_view(), ["accounts.E002"]),
        ("api/v1/things", Public.as_view(), []),
        ("api/v1/things", plain, ["accounts.E003"]),
        ("api/v1/things", Misspelt.as_view(), ["accounts.E005"]),
        ("api/v1/things", Orders.as_view({"get": "list"}), ["accounts.E001"]),
        ("api/v1/things", ListedOrders.as_view({"get": "list"}), []),
        ("api/v1/things", ListedOrders.as_view({"get": "retrieve"}), ["accounts.E001"]),
        ("api/v1/things", ListedOrders.as_view({"get": "list", "post": "cancel"}), ["accounts.E001"]),
        ("api/v1/things", function, ["accounts.E001", "accounts.E001"]),
        ("api/v1/things", guarded_function, []),
        ("elsewhere/things", guarded_function, ["accounts.E006"]),
        ("settings/things/", misspelt_page, ["accounts.E005"]),
        ("elsewhere/things", HalfGuarded.as_view(), ["accounts.E001", "accounts.E006"]),
        ("elsewhere/things", plain, []),
        ("settings/things/", plain, ["accounts.E004"]),
        ("settings/things/", guarded_page, []),
    ],
)
def test_an_endpoint_or_page_without_a_guard_is_an_error(
    monkeypatch: pytest.MonkeyPatch, settings: Any, route: str, view: Any, messages: list[str]
) -> None:
    found = messages_at(monkeypatch, settings, route, view)
    assert [message.id for message in found] == messages


def test_a_message_names_the_view_its_file_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (message,) = messages_at(monkeypatch, settings, "api/v1/things", HalfGuarded.as_view())
    assert message.msg == (
        "HalfGuarded (tests/accounts/drf/test_checks.py) at api/v1/things declares no scope for POST."
    )
    assert 'scopes = {"POST": "tokens.view"}' in message.hint


def test_every_endpoint_and_page_of_the_product_is_guarded() -> None:
    assert check_endpoints() == []
