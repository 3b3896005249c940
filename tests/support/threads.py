"""Several things at the same instant: threads that wait for each other at a barrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

from tests.support.waiting import PATIENCE

T = TypeVar("T")


def at_once(tasks: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Run each in a thread and on a connection of its own; what it returned or raised, in their order."""
    barrier = Barrier(len(tasks))
    # A server's pool is smaller than some of these crowds, which must all be in the database together.
    pool = connection.pool  # type: ignore[attr-defined]
    pool.resize(1, max(len(tasks) + 2, pool.max_size))

    def run(task: Callable[[], T]) -> T | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE)
            return task()
        except Exception as problem:
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as crowd:
        return list(crowd.map(run, tasks))
