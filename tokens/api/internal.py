"""Endpoints of internal services, which authenticate by an internal token."""

from __future__ import annotations

from typing import ClassVar, cast

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.permissions import HasScope
from accounts.errors import APIError
from accounts.registration.retention import prune_people
from ratelimit.store.client import StoreUnavailable
from ratelimit.usage.sync import Sync, prune
from tokens import metrics
from tokens.credentials.credential import Credential
from tokens.lifecycle.retention import prune_grants, wipe_successors


class IsInternal(BasePermission):
    """Accept internal tokens only, although the middleware resolves no other credential under this path."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if cast(Credential, request.auth).type != "internal":
            raise APIError(errors.INVALID_TOKEN)
        return True


class InternalView(APIView):
    schema = None
    permission_classes = (IsInternal, HasScope)


class MetricsView(InternalView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


class HousekeepingView(InternalView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": None}

    def post(self, request: Request) -> Response:
        """Copy usage counters to SQL and delete expired rows, once. Safe to repeat."""
        try:
            drained = Sync()() if settings.REDIS_URL else 0
        except StoreUnavailable:
            raise APIError(errors.UNAVAILABLE) from None
        wipe_successors()
        prune()
        prune_grants()
        prune_people()
        return Response({"drained": drained})
