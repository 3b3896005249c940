"""Django's SQLite back end with a LIKE that ignores the case of every letter, as PostgreSQL's does.

SQLite's own compares only A to Z without their case (SQLite documentation, "The LIKE operator").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.create_function("like", 2, like, deterministic=True)
        connection.create_function("like", 3, like, deterministic=True)
        return connection


def like(pattern: str | None, text: str | None, escape: str = "") -> bool | None:
    """``text LIKE pattern ESCAPE escape``; None where either is NULL."""
    if pattern is None or text is None:
        return None
    return _compiled(str(pattern).casefold(), escape).fullmatch(str(text).casefold()) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    parts, characters = [], iter(pattern)
    for one in characters:
        if escape and one == escape:
            parts.append(re.escape(next(characters, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(one) or re.escape(one))
    return re.compile("".join(parts), re.DOTALL)
