"""Content negotiation: JSON, whatever Accept header a browser or a client library sends."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class FirstByDefault(DefaultContentNegotiation):
    """Select the view's only renderer; of several the one that Accept names, else the first."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first, *others = renderers
        if others:
            with suppress(NotAcceptable, Http404):
                chosen: tuple[BaseRenderer, str] = super().select_renderer(
                    request, [first, *others], format_suffix
                )
                return chosen
        return first, first.media_type or ""
