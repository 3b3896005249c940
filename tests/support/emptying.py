"""How the tables are emptied after a test whose transactions were real.

Rows are deleted: truncating fifty tables that are mostly empty takes ten times as long, and waits for
every server that still looks at one of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management import sql
from django.core.management.commands import flush
from django.db import connection

# What Django itself would only write again.
KEPT = {"django_content_type", "auth_permission"}


def quicken() -> None:
    """Called before any test."""
    flush.sql_flush = statements  # type: ignore[attr-defined]
    flush.emit_post_migrate_signal = restore  # type: ignore[attr-defined]


def statements(style: Any, _: Any, **options: Any) -> list[str]:
    if not may_skip_triggers():
        return list(sql.sql_flush(style, connection, **options))
    deletions = [f'DELETE FROM "{table}"' for table in tables()]  # noqa: S608
    return ["; ".join(["SET LOCAL session_replication_role = replica", *deletions])]


def restore(*arguments: Any) -> None:
    """Migrations made the plans, and each test begins with them."""
    if not may_skip_triggers():
        sql.emit_post_migrate_signal(*arguments)
    import_module("ratelimit.migrations.0002_plans").create_plans(apps, None)


@cache
def tables() -> tuple[str, ...]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(sorted(set(found) - KEPT))


@cache
def may_skip_triggers() -> bool:
    """Foreign keys are triggers; a superuser may delete in any order without them."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])
