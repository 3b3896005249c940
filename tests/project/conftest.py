"""Two organizations, which all tests of a file share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.support.lasting import lasting
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture(scope="module")
def _mine(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with lasting(django_db_blocker, make_tenant) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def _theirs(_mine: Tenant, django_db_blocker: DjangoDbBlocker) -> Iterator[Tenant]:
    with lasting(django_db_blocker, make_tenant) as tenant:
        yield tenant


@pytest.fixture
def mine(_mine: Tenant, db: None) -> Tenant:
    return _mine


@pytest.fixture
def theirs(_theirs: Tenant, db: None) -> Tenant:
    return _theirs
