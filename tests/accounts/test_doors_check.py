"""The system checks that stop the start where an endpoint or a page is not guarded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import PageRequest, page
from accounts.checks import check_doors


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


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@page("tokens.view")
def guarded_page(request: PageRequest) -> HttpResponse:
    return HttpResponse()


def found_at(monkeypatch: pytest.MonkeyPatch, settings: Any, route: str, view: Any) -> list[str | None]:
    prefix, _, rest = route.partition("/")
    module = SimpleNamespace(urlpatterns=[path(f"{prefix}/", include([path(rest, view)]))])
    monkeypatch.setitem(__import__("sys").modules, "tests.some_urls", module)
    settings.ROOT_URLCONF = "tests.some_urls"
    return [message.id for message in check_doors()]


@pytest.mark.parametrize(
    ("route", "view", "messages"),
    [
        ("api/v1/things", Guarded.as_view(), []),
        ("api/v1/things", HalfGuarded.as_view(), ["accounts.E001"]),
        ("api/v1/things", Unchecked.as_view(), ["accounts.E002"]),
        ("api/v1/things", Anonymous.as_view(), ["accounts.E002"]),
        ("api/v1/things", Public.as_view(), []),
        ("api/v1/things", plain, ["accounts.E003"]),
        ("elsewhere/things", HalfGuarded.as_view(), ["accounts.E001"]),
        ("elsewhere/things", plain, []),
        ("settings/things/", plain, ["accounts.E004"]),
        ("settings/things/", guarded_page, []),
    ],
)
def test_a_door_without_a_guard_is_an_error(
    monkeypatch: pytest.MonkeyPatch, settings: Any, route: str, view: Any, messages: list[str]
) -> None:
    assert found_at(monkeypatch, settings, route, view) == messages


def test_every_door_of_the_product_is_guarded() -> None:
    assert check_doors() == []
