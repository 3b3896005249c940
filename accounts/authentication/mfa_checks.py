"""Database check: second factors that this server cannot decrypt. ``migrate`` runs it as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004
from django.db import connections

from accounts.authentication import mfa_secrets


@register(Tags.database)
def check_second_factors(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Runs where a database is named, as in ``manage.py check --database default``."""
    for alias in databases or ():
        if Authenticator._meta.db_table not in connections[alias].introspection.table_names():
            continue
        if number := len(mfa_secrets.unreadable_owners()):
            return [
                Warning(
                    f"The second factor of {number} user(s) cannot be decrypted.",
                    hint="Add the key they were encrypted with to MFA_ENCRYPTION_KEYS or "
                    "SECRET_KEY_FALLBACKS, or reset them in the admin. manage.py mfa_reencrypt lists them.",
                    id="accounts.W001",
                )
            ]
    return []
