"""Fills a large database for the admin's benchmark; PostgreSQL makes the rows itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from django.apps import apps
from django.db import connection

STATEMENTS = Path(__file__).with_suffix(".sql")


def fill(sizes: Mapping[str, int]) -> float:
    """Return how many seconds it took."""
    started = time.monotonic()
    set_defaults()
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS.read_text().format(**sizes))
        cursor.execute("ANALYZE")
    return time.monotonic() - started


def set_defaults() -> None:
    """Give each column the model's default in the database as well, so that no column has to be named."""
    with connection.cursor() as cursor:
        for model in apps.get_models():
            for field in model._meta.local_concrete_fields:
                made = field.has_default() and callable(field.default) and field.default not in (list, dict)
                given = field.null or field.is_relation or field.primary_key or field.has_db_default()
                if given or made:
                    continue
                if field.has_default() or field.empty_strings_allowed:
                    value = field.get_db_prep_save(field.get_default(), connection)
                    column = f'"{model._meta.db_table}" ALTER "{field.column}"'
                    cursor.execute(f"ALTER TABLE {column} SET DEFAULT %s", [value])
