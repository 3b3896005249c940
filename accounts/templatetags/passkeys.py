"""Template tags of the account pages."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def passkeys_possible() -> bool:
    """Browsers bind passkeys to a host's name, and make none for a bare address (WebAuthn section 5.1.2)."""
    try:
        ip_address(urlsplit(settings.BASE_URL).hostname or "")
    except ValueError:
        return True
    return False
