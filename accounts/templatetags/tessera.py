"""Template tags: icons, times, and the side navigation."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from urllib.parse import urlencode

from django import template
from django.template.context import RequestContext
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import dates
from accounts.pages.navigation import HELP, YOU, Place, places_of
from accounts.validation import addresses

register = template.Library()

AUDIT_LOG = "auditLog.view"


register.filter("address", addresses.shown)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A drawing of the sprite; the word beside it carries the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("tessera/icons.svg"),
        name,
    )


@register.simple_tag
def moment(value: datetime | None, form: str = "relative") -> SafeString:
    """``<time>`` with UTC on hover; scripts turn all forms but relative into the reader's zone."""
    if value is None:
        return SafeString("")
    words = {
        "relative": dates.relative(value, timezone.now()),
        "date": dates.day(value),
        "exact": dates.exactly(value),
        "second": dates.exactly(value),
    }
    return format_html(
        '<time datetime="{}" title="{}" data-form="{}">{}</time>',
        value.isoformat(timespec="seconds").replace("+00:00", "Z"),
        dates.exactly(value),
        form,
        words[form],
    )


@register.simple_tag(takes_context=True)
def audit_log_of(context: RequestContext, **filters: str) -> str:
    """Return the address of the audit log with these filters, or "" if the user may not open it."""
    workspace = context.get("workspace")
    if workspace is None or workspace.actor is None or not workspace.actor.allows(AUDIT_LOG):
        return ""
    return f"{reverse('audit_log')}?{urlencode(filters)}"


@register.simple_tag(takes_context=True)
def navigation(context: RequestContext) -> list[tuple[str, list[tuple[Place, str]]]]:
    """Return the groups of pages that the user may open, each page with its aria-current."""
    workspace = context.get("workspace")
    if workspace is None:
        return []
    path = context["request"].path
    you = () if workspace.support else YOU
    groups = (("Organization", places_of(workspace.actor)), ("You", you), ("Help", HELP))
    return [(label, [(place, place.current(path)) for place in found]) for label, found in groups if found]
