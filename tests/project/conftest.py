"""Two organizations that all tests of a file share; each test undoes its own changes alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tests.support.tenants import Tenant, make_tenant


@contextmanager
def made_in_a_transaction(blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    """The transactions of the tests become savepoints in it."""
    with blocker.unblock(), transaction.atomic():
        tenant = make_tenant()
        with blocker.block():
            yield tenant
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def _mine(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with made_in_a_transaction(django_db_blocker) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def _theirs(_mine: Tenant, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with made_in_a_transaction(django_db_blocker) as tenant:
        yield tenant


@pytest.fixture
def mine(_mine: Tenant, db: None) -> Tenant:
    return _mine


@pytest.fixture
def theirs(_theirs: Tenant, db: None) -> Tenant:
    return _theirs
