"""Searches in SQLite ignore the case of every letter, as in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as default

from config.sqlite.base import DatabaseWrapper


@pytest.fixture
def sqlite(db: None) -> Iterator[DatabaseWrapper]:
    about: dict[str, Any] = {**default.settings_dict, "NAME": ":memory:", "OPTIONS": {}, "USER": ""}
    connection = DatabaseWrapper(about, alias="embedded")
    yield connection
    connection.connection.close()


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("%äpfel%", "Zwei ÄPFEL", 1),
        ("%ÉTÉ%", "l'été", 1),
        ("%straße%", "STRASSE 1", 1),
        ("%order%", "Orders", 1),
        ("a_c", "ABC", 1),
        ("a\\_c", "abc", 0),
        ("100\\%", "100%", 1),
        ("100\\%", "1000", 0),
        ("%a.c%", "abc", 0),
        ("%line%", "one\nline", 1),
        ("%x%", None, None),
    ],
)
def test_like_ignores_the_case_of_every_letter(
    sqlite: DatabaseWrapper, pattern: str, text: str | None, matches: int | None
) -> None:
    with sqlite.cursor() as cursor:
        cursor.execute("SELECT %s LIKE %s ESCAPE %s", [text, pattern, "\\"])
        assert cursor.fetchone()[0] == matches


def test_it_is_the_engine_of_every_sqlite_address() -> None:
    assert settings.DATABASES["default"]["ENGINE"] in ("config.postgres", "config.sqlite")
