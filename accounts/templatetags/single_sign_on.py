"""Template tags of the provider buttons."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.oidc.providers import configured
from accounts.registration import social_accounts
from accounts.validation.local_paths import is_local_path

register = template.Library()


@register.inclusion_tag("accounts/parts/sso_buttons.html", takes_context=True)
def sso_buttons(context: dict[str, Any]) -> dict[str, Any]:
    """The buttons to sign in or up."""
    request = context["request"]
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return {
        "providers": [(one, f"{one.slug}_login") for one in configured()],
        "next": wanted if is_local_path(wanted) else "",
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("accounts/parts/sso_connections.html", takes_context=True)
def sso_connections(context: dict[str, Any]) -> dict[str, Any]:
    """The buttons to connect or disconnect a provider."""
    user = context["request"].user
    providers = configured()
    own = social_accounts.of_user(user) if providers else set()
    return {
        "rows": [
            (one, one.slug in own, f"{one.slug}_{'disconnect' if one.slug in own else 'connect'}")
            for one in providers
        ],
        "csrf_token": context.get("csrf_token"),
    }
