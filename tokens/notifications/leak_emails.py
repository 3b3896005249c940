"""Emails about secrets found in public. They contain at most the last four characters of a secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import dates
from accounts.models import Organization
from accounts.notifications.email import Email, defang
from tokens.models import OAuthClient, ServiceAccountToken

CLEAN_UP = (
    "Remove the secret from where it was found. It stays in the history of a repository, so that only "
    "a new secret helps."
)
STILL_WORKS = "It still works, because your organization’s policy is to notify only. Others may use it:"
# Subject and sentence by the outcome.
OF_TOKEN = {
    "revoked": (
        "API token found in public and revoked",
        "It has been revoked: programs that use it are refused. Create a new token, and change them.",
    ),
    "notified": ("API token found in public", f"{STILL_WORKS} rotate or revoke it now."),
    "rotated": (
        "Earlier secret of an API token found in public",
        "It had been replaced before, and is refused from now on. The token’s present secret stays valid.",
    ),
    "ended": (
        "Former API token found in public",
        "It had been revoked or had expired before and is refused. You need not do anything.",
    ),
}
OF_CLIENT = {
    "revoked": (
        "OAuth client secret found in public and revoked",
        "The secret has ended, with all tokens requested since it was created. Give the client a new one.",
    ),
    "notified": (
        "OAuth client secret found in public",
        f"{STILL_WORKS} give the client a new secret now, without an overlap.",
    ),
    "rotated": (
        "Earlier OAuth client secret found in public",
        "That secret had been replaced before and is refused. The client’s present secret was not found.",
    ),
}


def token_found(
    organization: Organization, token: ServiceAccountToken, facts: Mapping[str, Any], at: datetime
) -> Email:
    subject, sentence = OF_TOKEN[facts["outcome"]]
    name = defang(token.name)
    return Email(
        f"{subject}: {name}",
        (f"The API token “{name}” of {defang(organization.name)} was found in public. {sentence}",),
        f"{settings.BASE_URL}{reverse('token_detail', args=[token.public_id])}",
        "See the token",
        (CLEAN_UP,),
        (("Token", f"{facts['prefix']}…{facts['last_four']}"), *_origin(facts, at)),
    )


def client_found(
    organization: Organization, client: OAuthClient, facts: Mapping[str, Any], at: datetime
) -> Email:
    subject, sentence = OF_CLIENT[facts["outcome"]]
    name = defang(client.name)
    found = f"A secret of the OAuth client “{name}” of {defang(organization.name)} was found in public."
    return Email(
        f"{subject}: {name}",
        (f"{found} {sentence}",),
        f"{settings.BASE_URL}{reverse('client_detail', args=[client.public_id])}",
        "See the client",
        (CLEAN_UP,),
        (("Secret", f"…{facts['last_four']}"), *_origin(facts, at)),
    )


def _origin(facts: Mapping[str, Any], at: datetime) -> tuple[tuple[str, str], ...]:
    host = (("Host", defang(facts["host"])),) if facts["host"] else ()
    return (("Source", defang(facts["source"])), *host, ("Reported", dates.exactly(at)))
