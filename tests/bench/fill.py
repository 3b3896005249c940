"""Many organizations with unused tokens, copied by the database from one of each kind."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from tokens.models import TokenSecret

TOKENS_EACH = 50


def fill(template: TokenSecret, organizations: int) -> None:
    """``organizations`` more, each with a member and 50 tokens, all like the template's."""
    token = template.token
    assert token.responsible is not None
    each = f"generate_series(1, {organizations}) AS n"
    every = f"{each}, generate_series(1, {TOKENS_EACH}) AS k"
    organization, member = "md5('org' || n)::uuid", "md5('mem' || n)::uuid"
    made = "md5('tok' || n || '-' || k)::uuid"
    unique = {"slug": "'filled-' || n", "publishable_key": "'filled-' || n"}
    _like(token.organization, each, {"id": organization} | unique)
    _like(token.responsible, each, {"id": member, "organization_id": organization})
    _like(
        token,
        every,
        {"id": made, "organization_id": organization, "responsible_id": member, "name": "'t' || k"},
    )
    digest = "sha256(('tok' || n || '-' || k)::bytea)"
    _like(template, every, {"token_id": made, "digest": digest})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _like(row: models.Model, source: str, differing: dict[str, str]) -> None:
    """Rows of the same table whose columns are the template's but for those, which are SQL."""
    fields: list[Any] = list(row._meta.concrete_fields)
    columns = [field.column for field in fields if not isinstance(field, models.AutoField)]
    chosen = [differing.get(column, f"template.{column}") for column in columns]
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)} "  # noqa: S608
            f"FROM {table} AS template, {source} WHERE template.id = %s",
            [row.pk],
        )
