"""Watches the database for what a remembered credential is made of: who changed it, and in which transaction.

The look-ups say by themselves what may be remembered: a credential holds nothing but what their columns hold.
Triggers, which live as long as a test, note each change of such a column, each deletion of such a row, and
each counting up of an organization's generation, with the transaction that did it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import redis
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import Model

from accounts.models import Membership, Organization, User
from ratelimit.models import Plan
from tokens.credentials import token_lookup
from tokens.grants import status
from tokens.models import Grant, OAuthClient, ServiceAccountToken, TokenSecret
from tokens.prepared_query import PreparedQuery

QUERIES: tuple[PreparedQuery, ...] = (token_lookup._QUERY, status._QUERY)
ADVANCED = "advanced"

# Which organizations a row's change concerns, as SQL over the row as it was.
CONCERNS: dict[type[Model], str] = {
    Organization: "SELECT OLD.id",
    Membership: "SELECT OLD.organization_id",
    User: "SELECT organization_id FROM accounts_membership WHERE user_id = OLD.id",
    Plan: "SELECT id FROM accounts_organization WHERE plan_id = OLD.id",
    ServiceAccountToken: "SELECT OLD.organization_id",
    TokenSecret: "SELECT organization_id FROM tokens_serviceaccounttoken"
    " WHERE id = OLD.token_id AND revoked_at IS NULL",
    Grant: "SELECT OLD.organization_id",
    OAuthClient: "SELECT OLD.organization_id",
    UserSession: "SELECT organization_id FROM tokens_grant WHERE browser_id = OLD.id AND revoked_at IS NULL",
}
# Nothing remembers what had ended before it was deleted.
DEAD: dict[type[Model], str] = {
    Grant: "OLD.revoked_at IS NOT NULL OR OLD.expires_at < now()",
    ServiceAccountToken: "OLD.revoked_at IS NOT NULL OR OLD.expires_at < now()",
}


def remembered() -> dict[type[Model], set[str]]:
    """The columns that the look-ups read, foreign keys on the way included, by model."""
    found: dict[type[Model], set[str]] = defaultdict(set)
    for look_up in QUERIES:
        for path in (*look_up.columns, look_up.key):
            model = look_up.model
            for part in path.split("__"):
                field: Any = model._meta.get_field(part)
                found[model].add(field.name)
                model = field.related_model or model
    found[Organization].discard("generation")
    return dict(found)


class Watch:
    """What the triggers have noted since the watch began."""

    def untold(self) -> set[tuple[str, str]]:
        """Table and column of every change in whose transaction the generation was not counted up."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT source, what FROM freshness_log AS change WHERE what != %s AND NOT EXISTS"
                " (SELECT 1 FROM freshness_log AS noted WHERE noted.what = %s"
                " AND noted.txid = change.txid AND noted.organization = change.organization)",
                [ADVANCED, ADVANCED],
            )
            return set(cursor.fetchall())

    def advanced(self) -> set[UUID]:
        """The organizations whose generation was counted up."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT organization FROM freshness_log WHERE what = %s", [ADVANCED])
            return {row[0] for row in cursor.fetchall()}

    def forget(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE freshness_log")


@contextmanager
def watching() -> Iterator[Watch]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS freshness_log"
            " (txid bigint, source text, what text, organization uuid)"
        )
        for model, columns in remembered().items():
            cursor.execute(_trigger(model, columns))
    try:
        yield Watch()
    finally:
        with connection.cursor() as cursor:
            for model in remembered():
                cursor.execute(f"DROP FUNCTION freshness_{model._meta.db_table}() CASCADE")
            cursor.execute("DROP TABLE freshness_log")


def _trigger(model: type[Model], names: set[str]) -> str:
    table = model._meta.db_table
    columns = sorted(str(model._meta.get_field(name).column) for name in names)  # type: ignore[union-attr]

    def note(what: str) -> str:
        row = f"txid_current(), '{table}', '{what}', concerned.id"
        return f"INSERT INTO freshness_log SELECT {row} FROM ({CONCERNS[model]}) AS concerned(id);"  # noqa: S608

    changes = [f"IF NEW.{name} IS DISTINCT FROM OLD.{name} THEN {note(name)} END IF;" for name in columns]
    if model is Organization:
        changes.append(f"IF NEW.generation > OLD.generation THEN {note(ADVANCED)} END IF;")
    deletion = f"IF NOT ({DEAD.get(model, 'false')}) THEN {note('deleted')} END IF; RETURN OLD;"
    return f"""
        CREATE OR REPLACE FUNCTION freshness_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' THEN {deletion} END IF;
        {" ".join(changes)} RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER freshness BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION freshness_{table}();
    """


def is_published(organization_id: UUID, client: redis.Redis) -> bool:
    """Whether Redis holds the organization's generation, so that every worker reads again."""
    stored = Organization.objects.values_list("generation", flat=True).get(pk=organization_id)
    return client.hget(f"tsr:{{{organization_id.hex}}}:meter", "generation") == str(stored)
