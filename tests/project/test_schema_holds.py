"""Every documented operation answers honest and hostile requests as documented, and never with a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Membership
from config.wsgi import application
from tests.support.people import make_member, make_organization, make_plan, make_token
from tokens.service_accounts.issue import Issued

DOCUMENT = schemathesis.openapi.from_wsgi("/api/schema", application)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture
def _one_connection(db: None) -> Iterator[None]:
    """A request's end must not close the connection that the test's transaction is in."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def unlimited(_one_connection: None) -> Membership:
    return make_member(make_organization(plan=make_plan("enterprise", None)))


@pytest.fixture
def caller(unlimited: Membership) -> Issued:
    return make_token(unlimited, permissions=["*:*:*"])


@pytest.fixture
def existing(unlimited: Membership) -> Issued:
    return make_token(unlimited, "Existing")


@DOCUMENT.parametrize()
@hypothesis.settings(
    max_examples=4,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_the_documentation_holds(case: Any, caller: Issued, existing: Issued) -> None:
    """Every other request to a path with an id names one that exists."""
    if "token_id" in case.path_parameters and hash(str(case.query)) % 2:
        case.path_parameters["token_id"] = existing.token.public_id
    case.call_and_validate(headers={"Authorization": f"Bearer {caller.plaintext}"}, checks=CHECKS)
