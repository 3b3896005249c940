"""The sentence shown after access was removed."""

from __future__ import annotations

from django.utils import timezone

from accounts import dates


def refused_since() -> str:
    """Return the moment for a flow that has just returned: every worker has the new generation by then."""
    return f"Refused everywhere since {dates.clock(timezone.now())}."
