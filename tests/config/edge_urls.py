"""The product's paths and tiny views beside them, to see what the edge does with every kind of outcome."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from redis import ConnectionError as RedisConnectionError
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import config.urls
from accounts import errors
from accounts.errors import APIError

# Made anew each time: an exception that is raised twice carries its first traceback along.
RAISED: dict[str, Callable[[], Exception]] = {
    "refused": lambda: APIError(errors.TOKEN_LIMIT_REACHED, limit=50),
    "scope": lambda: APIError(errors.INSUFFICIENT_SCOPE, required=["tokens.manage"]),
    "unauthenticated": exceptions.NotAuthenticated,
    "bad-credential": exceptions.AuthenticationFailed,
    "denied": lambda: PermissionDenied("internal reason"),
    "missing": lambda: Http404("Token 7 of organization 9"),
    "missing-drf": lambda: exceptions.NotFound("Token 7"),
    "throttled": lambda: exceptions.Throttled(wait=12.2),
    "suspicious": lambda: SuspiciousOperation("internal reason"),
    "nested": lambda: serializers.ValidationError(
        {"name": ["Too long."], "items": [{}, {"scope": ["Unknown."]}], "non_field_errors": ["No."]}
    ),
    "sentence": lambda: serializers.ValidationError("No."),
    "database": lambda: OperationalError("the database is unavailable"),
    "redis": lambda: RedisConnectionError("redis is unavailable"),
    "fault": lambda: RuntimeError("internal reason"),
}


class Echo(APIView):
    """Answers with the body that it read."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"id": request._request.id})  # type: ignore[attr-defined]

    def post(self, request: Request) -> Response:
        return Response({"data": request.data})


class Raise(Echo):
    def get(self, request: Request, name: str = "") -> Response:
        problem = RAISED[name]()
        raise problem


def plain(request: HttpRequest, name: str) -> HttpResponse:
    if name == "public":
        return JsonResponse({"keys": []}, headers={"Cache-Control": "public, max-age=300"})
    if name == "vary":
        return JsonResponse({}, headers={"Vary": "Accept"})
    problem = RAISED[name]()
    raise problem


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(json.dumps(request.POST.dict()))


def personal(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello {request.user}")


def untouched(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello")


urlpatterns = [
    path("api/echo", Echo.as_view()),
    path("api/auth/verify", Echo.as_view()),
    path("api/raise/<name>", Raise.as_view()),
    path("api/plain/<name>", plain),
    path("page/raise/<name>", plain),
    path("page/form", form),
    path("page/personal", personal),
    path("page/untouched", untouched),
    *config.urls.urlpatterns,
]

handler400 = config.urls.handler400
handler403 = config.urls.handler403
handler404 = config.urls.handler404
handler500 = config.urls.handler500
