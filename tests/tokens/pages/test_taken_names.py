"""A taken name is reported together with all other field errors, in forms and in the API."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership
from accounts.resources import indexes
from tests.support.clients import program
from tests.support.people import browser_of, make_token
from tokens.service_accounts import names

TAKEN, OTHER = {"name": " Taken "}, {"extra": 1}


@pytest.fixture
def api(owner: Membership) -> APIClient:
    return program(make_token(owner, "mine", ["*:*:*"], expires_in_days=None))


def fields(response) -> set[str]:
    assert response.status_code == 400
    return set(response.json()["fields"])


def test_a_new_tokens_are_reported_at_once(owner, api):
    make_token(owner, "taken")
    wish = TAKEN | {"permissions": ["nothing like it"], "expiresInDays": 0} | OTHER
    found = fields(api.post("/api/v1/tokens", wish))
    assert found == {"name", "permissions.0", "expiresInDays", "extra"}


def test_what_only_the_flow_knows_of_a_new_token_is_reported_at_once(owner, api):
    make_token(owner, "taken")
    owner.organization.longest_token_days = 30
    owner.organization.save()
    wish = TAKEN | {"permissions": ["unheardOf.view"], "expiresInDays": 31}
    assert fields(api.post("/api/v1/tokens", wish)) == {"name", "permissions", "expiresInDays"}


@pytest.mark.parametrize(("name", "reported"), [("taken", {"name", "extra"}), ("own", {"extra"})])
def test_a_renamed_tokens_are_reported_at_once(owner, api, name, reported):
    make_token(owner, "taken")
    token = make_token(owner, "own").token
    assert fields(api.patch(f"/api/v1/tokens/{token.public_id}", {"name": name} | OTHER)) == reported


def test_an_indexs_are_reported_at_once(owner, api):
    indexes.create(organization_id=owner.organization_id, name="taken")
    own = indexes.create(organization_id=owner.organization_id, name="own")
    assert fields(api.post("/api/v1/indexes", TAKEN | OTHER)) == {"name", "extra"}
    assert fields(api.patch(f"/api/v1/indexes/{own.pk}", TAKEN | OTHER)) == {"name", "extra"}
    assert fields(api.patch(f"/api/v1/indexes/{own.pk}", {"name": "Own"} | OTHER)) == {"extra"}


def test_the_form_that_renames_a_token_reports_them_at_once(owner):
    make_token(owner, "taken")
    token = make_token(owner, "own").token
    form = TAKEN | {"description": "x" * 501}
    page = browser_of(owner.user).post(f"/settings/tokens/{token.public_id}/edit/", form).content.decode()
    assert names.TAKEN in page
    assert "A description has at most 500 characters." in page
