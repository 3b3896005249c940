"""``X-Token-Expires-At``: the end of a credential, for a program that renews it in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from django.http import HttpResponse
from django.utils import timezone

from accounts.drf.fields import instant
from tokens.credentials.credential import Credential
from tokens.models import EXPIRING_DAYS

NAME = "X-Token-Expires-At"
ANNOUNCED = timedelta(days=EXPIRING_DAYS)


def write(response: HttpResponse, credential: Credential | None) -> None:
    """Set the header of a successful response if the presented secret ends within EXPIRING_DAYS."""
    end = credential.ends_at if credential is not None else None
    if end is not None and 200 <= response.status_code < 300 and end - timezone.now() <= ANNOUNCED:
        response.headers[NAME] = _text(end)


@lru_cache(maxsize=4096)
def _text(end: datetime) -> str:
    return instant(end) or ""
