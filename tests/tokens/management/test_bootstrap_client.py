"""The command line makes an OAuth client once, and tells its secret once."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.oauth.calls import Program
from tokens.models import OAuthClient

pytestmark = pytest.mark.django_db


def bootstrap(*more: str) -> dict[str, Any]:
    results = io.StringIO()
    known = ["--email", "ada@example.com", "--password", "a-long-enough-passphrase", "--organization", "Acme"]
    call_command("bootstrap", *known, "--json", *more, stdout=results)
    found: dict[str, Any] = json.loads(results.getvalue())
    return found


def test_a_client_is_made_with_its_scopes_and_found_again() -> None:
    wish = ("--client", "Importer", "--scope", "index:read:*", "--scope", "events:write:*")
    found = bootstrap(*wish)
    assert set(found) == {"organization", "user", "client"}
    row = OAuthClient.objects.get()
    assert (row.public_id, row.scopes) == (found["client"]["clientId"], ["index:read:*", "events:write:*"])
    Program(row, found["client"]["clientSecret"]).grant()
    assert bootstrap(*wish)["client"] == {"clientId": row.public_id}
    assert OAuthClient.objects.count() == 1


def test_a_client_of_no_named_scope_only_looks() -> None:
    bootstrap("--client", "Importer")
    assert "index:read:*" in OAuthClient.objects.get().scopes
    assert "tokens.manage" not in OAuthClient.objects.get().scopes


@pytest.mark.parametrize("scope", ["nothing.view", "index"])
def test_a_scope_that_does_not_exist_makes_nothing(scope: str) -> None:
    with pytest.raises(CommandError):
        bootstrap("--client", "Importer", "--scope", scope)
    assert not OAuthClient.objects.exists()
