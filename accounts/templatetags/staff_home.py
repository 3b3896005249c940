"""Panels of the admin's home page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from accounts.staff import home

register = template.Library()


@register.simple_tag(takes_context=True)
def home_panels(context: dict[str, Any]) -> list[home.FilledPanel]:
    return home.filled(context["request"].user, timezone.now())
