"""Query strings are read as strictly as bodies: an empty value is a value, and none is given twice."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership
from tests.support.people import browser_of


@pytest.mark.parametrize(
    "query",
    [
        "/api/v1/tokens?cursor=",
        "/api/v1/tokens?status=",
        "/api/v1/tokens?limit=",
        "/api/v1/tokens?limit=1&limit=2",
        "/api/v1/clients?cursor=",
        "/api/v1/members?limit=",
        "/api/v1/invitations?cursor=",
        "/api/v1/indexes?cursor=",
        "/api/v1/usage?to=",
        "/api/v1/usage?from=2026-01-01&from=2026-01-02",
        "/api/v1/audit-events?action=",
        "/api/v1/audit-events?from=",
        "/api/v1/audit-events?actor=",
    ],
)
def test_an_empty_or_repeated_parameter_is_refused_by_name(api: Any, query: str) -> None:
    response = api.get(query)
    name = query.partition("?")[2].partition("=")[0]
    assert (response.status_code, list(response.json()["fields"])) == (400, [name])


def test_the_audit_logs_form_may_leave_fields_empty(owner: Membership) -> None:
    page = browser_of(owner.user).get("/settings/audit-log/?action=&actor=&from=&to=")
    assert page.status_code == 200


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_of_an_impossible_range_is_a_bad_request_like_the_page(
    owner: Membership, form: str
) -> None:
    browser = browser_of(owner.user)
    assert browser.get("/settings/audit-log/?from=bad").status_code == 400
    assert browser.get(f"/settings/audit-log/export.{form}?from=bad").status_code == 400
