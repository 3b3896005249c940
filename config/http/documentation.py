"""The live documentation: the OpenAPI document and the page that reads it, with no other host's asset."""

from __future__ import annotations

import logging
from functools import cache
from threading import Lock

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.request import Request
from rest_framework.views import APIView

logger = logging.getLogger(__name__)
# drf-spectacular loads its extensions at first use, which fails where two threads do so at once.
_writing = Lock()


class DocumentView(APIView):
    """The OpenAPI document as JSON, or as YAML if Accept asks for it."""

    public = True
    schema = None
    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2)

    def get(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        with _writing:
            document = written(renderer.format or "")
        return HttpResponse(document, content_type=renderer.media_type)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "docs.html", {"whoami": request.build_absolute_uri("/api/auth/whoami")})


docs.public = True  # type: ignore[attr-defined]


@cache
def written(form: str) -> str | bytes:
    """Return the document as json or yaml. It is the same for every reader, and slow to generate."""
    # It prints its warnings to standard error, where every line is a log line.
    with GENERATOR_STATS.silence():
        document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    if GENERATOR_STATS:
        logger.warning("The OpenAPI document is incomplete: manage.py spectacular --fail-on-warn says where.")
    renderer = OpenApiYamlRenderer if form == "yaml" else OpenApiJsonRenderer
    return renderer().render(document)
