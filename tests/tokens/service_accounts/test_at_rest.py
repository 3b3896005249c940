"""After a token was made and used, its plaintext is in no table, no key of the store, and no log line."""

from __future__ import annotations

import logging

import pytest
import redis
from django.db import connection

from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import make_token
from tokens.crypto import opaque
from tokens.models import TokenSecret


def dump_database() -> str:
    """Every row of every table, as PostgreSQL writes it; bytes in hexadecimal and as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def dump_redis(client: redis.Redis) -> str:
    found = []
    for key in client.scan_iter():
        kind = client.type(key)
        value = {"string": client.get, "hash": client.hgetall, "set": client.smembers}.get(str(kind))
        found.append(f"{key} {value(key) if value else client.dump(key)!r}")
    return "\n".join(found)


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["prefixed", "alphanumeric"])
def test_a_plaintext_is_kept_nowhere(
    owner: Membership,
    redis_client: redis.Redis,
    settings: object,
    caplog: pytest.LogCaptureFixture,
    form: str,
) -> None:
    settings.TOKEN_FORMAT = form  # type: ignore[attr-defined]
    caplog.set_level(logging.DEBUG)
    issued = make_token(owner, "ci", ["*:*:*"], idempotency_key="the-key-of-a-repeat")
    api = program(issued)
    for path in ("/api/v1/identity", "/api/auth/whoami", "/api/v1/nowhere"):
        api.get(path)
    made = api.post("/api/v1/tokens", {"name": "child", "permissions": ["tokens.view"], "expiresInDays": 1})
    secrets = [issued.plaintext]
    if made.status_code == 201:
        secrets.append(made.json()["token"])
        program(secrets[1]).get("/api/v1/identity")
    kept = dump_database() + dump_redis(redis_client) + caplog.text
    assert "ci" in kept
    for plaintext in secrets:
        body = plaintext.removeprefix("tsr_sa_")
        assert body[:-4] not in kept
        assert body[:12] not in kept
        assert plaintext.encode().hex() not in kept
    assert "the-key-of-a-repeat" not in kept


@pytest.mark.django_db
def test_the_dump_would_show_it(owner: Membership) -> None:
    issued = make_token(owner, description=f"see {opaque.new().plaintext}")
    assert issued.token.description in dump_database()
    digest = TokenSecret.objects.get().digest
    assert bytes(digest).hex() in dump_database()
