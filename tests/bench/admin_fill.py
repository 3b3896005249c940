"""Fills a large database for the admin's benchmark; PostgreSQL makes the rows itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from django.db import connection

STATEMENTS = Path(__file__).with_suffix(".sql")


def fill(sizes: Mapping[str, int]) -> float:
    """Return how many seconds it took."""
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS.read_text().format(**sizes))
        cursor.execute("ANALYZE")
    return time.monotonic() - started
