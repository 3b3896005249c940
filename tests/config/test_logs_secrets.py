"""No secret of any kind is in the log at the level DEBUG, whichever endpoint it was sent to."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from accounts.models import Invitation, User
from accounts.models.mailed_claim import MailedClaim
from tests.support.canaries import PAGES, make_canaries, sent_everywhere, without_tables
from tests.support.servers import Servers, database_url
from tokens.models import Grant, RefreshToken, TokenSecret

pytestmark = pytest.mark.django_db(transaction=True)

INTERNAL = "an-internal-token-that-nobody-may-read-4711"
DATABASE_PASSWORD, REDIS_PASSWORD = "the-database-its-password", "the-password-of-redis"
# They ask the database about the secret, and fail where it is broken.
DOORS = {*PAGES, "/api/v1/tokens", "/v1/auth/login", "/v1/auth/refresh", "/accounts/login/"}
# What the text is made of is found even where only a part of it was written.
PART = 12


def test_every_secret_stays_out_of_every_line(servers: Servers) -> None:
    database, store = urlsplit(database_url()), urlsplit(settings.REDIS_URL)
    (server,) = servers(
        1,
        LOG_LEVEL="DEBUG",
        INTERNAL_TOKENS=INTERNAL,
        DATABASE_URL=database_url().replace(
            database.netloc, f"tessera:{DATABASE_PASSWORD}@{database.netloc.rpartition('@')[2]}"
        ),
        REDIS_URL=settings.REDIS_URL.replace(
            store.netloc, f"default:{REDIS_PASSWORD}@{store.netloc.rpartition('@')[2]}"
        ),
        EMAIL_URL="dummymail://",
        REFUSALS_PER_MINUTE="1000000",
    )
    canaries = make_canaries(
        internal=INTERNAL,
        secret_key=settings.SECRET_KEY,
        database=DATABASE_PASSWORD,
        redis=REDIS_PASSWORD,
    )
    statuses = {status for _, status in sent_everywhere(server.url, canaries)}
    assert 500 not in statuses
    assert {200, 400, 401, 403, 404} <= statuses
    away = (
        model._meta.db_table for model in (TokenSecret, MailedClaim, Invitation, Grant, RefreshToken, User)
    )
    with without_tables(*away):
        failed = {place for place, status in sent_everywhere(server.url, canaries, DOORS) if status == 500}
    assert failed == DOORS
    log = server.log()
    assert "Traceback" in log
    # The microseconds of a time may be the six digits of a code.
    lines = re.sub(r'"timestamp": "[^"]*"', "", log).splitlines()
    for kind, secret in canaries.secrets.items():
        part = secret[4 : 4 + PART] if len(secret) > PART + 4 else f"{secret}"
        assert not [line for line in lines if part in line], kind
    for line in log.splitlines():
        assert {"timestamp", "level", "logger", "event"} <= json.loads(line).keys(), line
