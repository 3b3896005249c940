"""Baselines without authentication, and peers with the usual throttle in front of the same small answer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.authentication import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle
from rest_framework.views import APIView
from rest_framework_api_key.permissions import HasAPIKey
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication

ANSWER = {"authKind": "api-token", "organizationName": "Bench", "effectivePermissions": ["index:read:*"]}


def plain(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ANSWER)


class Bare(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        return Response(ANSWER)

    def post(self, request: Request) -> Response:
        return Response(ANSWER)


class Peer(Bare):
    permission_classes = [IsAuthenticated]
    throttle_classes = [UserRateThrottle]


class HeaderThrottle(SimpleRateThrottle):
    """By the header, because an API key has no user."""

    scope = "user"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"throttle_{hash(request.META.get('HTTP_AUTHORIZATION'))}"


class ApiKey(Bare):
    permission_classes = [HasAPIKey]
    throttle_classes = [HeaderThrottle]


urlpatterns = [
    path("healthz", plain),
    path("plain", plain),
    path("bare", Bare.as_view()),
    path("drf-token", Peer.as_view(authentication_classes=[TokenAuthentication])),
    path("knox", Peer.as_view(authentication_classes=[KnoxAuthentication])),
    path("api-key", ApiKey.as_view()),
    path("simplejwt", Peer.as_view(authentication_classes=[JWTAuthentication])),
    path("simplejwt-stateless", Peer.as_view(authentication_classes=[JWTStatelessUserAuthentication])),
]
