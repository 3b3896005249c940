"""A method that an endpoint does not have is a 405 for every caller with a valid credential."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.people import make_member, make_token


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_whoami_can_only_be_read(client: Client, method: str) -> None:
    raw = make_token(make_member()).plaintext
    response = client.generic(method, "/api/auth/whoami", headers={"Authorization": f"Bearer {raw}"})
    assert response.status_code == 405
    assert response.json() == {"error": "Method not allowed", "code": "method_not_allowed"}
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.django_db
def test_two_good_credentials_in_one_request_are_none(client: Client) -> None:
    raw = make_token(make_member()).plaintext
    one = f"Bearer {raw}"
    assert client.get("/api/auth/whoami", headers={"Authorization": one}).status_code == 200
    # Servers join a repeated header with a comma.
    for joined in (f"{one},{one}", f"{one}, {one}", f"a,{one}", f"{one},"):
        assert client.get("/api/auth/whoami", headers={"Authorization": joined}).status_code == 401
