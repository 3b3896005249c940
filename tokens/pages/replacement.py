"""Initial values of the form for a token that replaces another one."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from accounts.permissions import picker
from tokens.models import ServiceAccountToken
from tokens.service_accounts import names

LONGEST_STEM = 90


def replacing(token: ServiceAccountToken, now: datetime) -> dict[str, Any]:
    """Return the same description, permissions and addresses, and the name with the next free number."""
    return {
        "name": _free_name(token, now),
        "description": token.description,
        "allowed_addresses": "\n".join(token.allowed_addresses),
        "selection": picker.read(token.permissions, {}),
    }


def _free_name(token: ServiceAccountToken, now: datetime) -> str:
    stem = re.sub(r"-\d{1,6}$", "", token.name)[:LONGEST_STEM]
    numbered = (token.name, *(f"{stem}-{number}" for number in range(2, 100)))
    return next((name for name in numbered if not names.is_taken(token.organization_id, name, now)), "")
