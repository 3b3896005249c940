"""Endpoints as developers add them, of every kind that Django REST framework knows: a URL configuration."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, cast
from uuid import UUID

from django.urls import include, path
from rest_framework import generics, serializers, viewsets
from rest_framework.decorators import action, api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.drf.permissions import required_scopes
from accounts.models import Index
from config import urls
from tokens.credentials.credential import Credential

README = Path(__file__).resolve().parents[2] / "README.md"
READ, WRITE = "index:read:*", "index:write:*"


def organization_of(request: Request) -> UUID:
    return cast(UUID, cast(Credential, request.auth).organization_id)


class BrandSerializer(serializers.ModelSerializer[Index]):
    class Meta:
        model = Index
        fields = ("name",)


@required_scopes(GET=READ)
@api_view(["GET"])
def function(request: Request) -> Response:
    return Response({"organization": str(organization_of(request))})


class Undocumented(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": READ}

    def get(self, request: Request) -> Response:
        return Response({"ok": True})


class BrandList(generics.ListAPIView[Index]):
    scopes: ClassVar[dict[str, str | None]] = {"GET": READ}
    serializer_class = BrandSerializer
    queryset = Index.objects.all()

    def get_queryset(self) -> Any:
        return Index.objects.filter(organization_id=organization_of(self.request))


class Brands(viewsets.ModelViewSet[Index]):
    scopes: ClassVar[dict[str, str | None]] = {
        "list": READ,
        "retrieve": READ,
        "create": WRITE,
        "update": WRITE,
        "partial_update": WRITE,
        "destroy": WRITE,
        "publish": WRITE,
    }
    serializer_class = BrandSerializer
    queryset = Index.objects.all()

    @action(detail=False, methods=["post"])
    def publish(self, request: Request) -> Response:
        return Response({"published": True})


def example_of_the_readme() -> ModuleType:
    """README.md's endpoint as a module."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    module = ModuleType("readme_example")
    exec(compile(code, str(README), "exec"), module.__dict__)  # noqa: S102
    return module


router = SimpleRouter(trailing_slash=False)
router.register("brands", Brands)

urlpatterns = [
    path("api/function", function),
    path("api/undocumented", Undocumented.as_view()),
    path("api/brand-list", BrandList.as_view()),
    path("api/", include(router.urls)),
    path("api/", include(example_of_the_readme())),
    path("shop/brands", Undocumented.as_view()),
    *urls.urlpatterns,
]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
