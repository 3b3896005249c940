"""The banners above every page."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext
from django.utils import timezone

from tokens.pages.banners import NOTHING, Banners, banners

register = template.Library()


@register.simple_tag(takes_context=True, name="banners")
def banners_of_page(context: RequestContext) -> Banners:
    workspace = context.get("workspace")
    return NOTHING if workspace is None else banners(context["request"], workspace, timezone.now())
