"""Rows that all tests of a file share, each of which undoes its own changes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction
from pytest_django import DjangoDbBlocker

Made = TypeVar("Made")


@contextmanager
def lasting(blocker: DjangoDbBlocker, make: Callable[[], Made]) -> Iterator[Made]:
    """What `make` returns, in a transaction around those of the tests, which become savepoints.

    A fixture of a module uses it after `django_db_setup`; tests with real transactions cannot be in its file.
    """
    with blocker.unblock(), transaction.atomic():
        made = make()
        with blocker.block():
            yield made
        transaction.set_rollback(True)
