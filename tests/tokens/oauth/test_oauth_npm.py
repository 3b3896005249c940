"""The npm library oauth4webapi against a running server; it is strict about what the RFCs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.npm_packages import folder, run
from tests.support.servers import Servers
from tests.tokens.oauth.calls import make_program

__all__ = ["folder"]


@pytest.mark.django_db(transaction=True)
def test_oauth4webapi_works_unmodified(folder: Path, servers: Servers) -> None:
    [server] = servers(1)
    program = make_program()
    found = run(folder, "oauth.mjs", server.url, program.id, program.secret)
    assert found["as"]["issuer"] == server.url
    for method in ("basic", "post"):
        life = found[method]
        # The library writes token types in lower case.
        assert life["granted"]["token_type"] == "bearer"
        assert life["granted"]["expires_in"] == 7200
        assert (life["claims"]["sub"], life["claims"]["client_id"]) == (program.id, program.id)
        assert life["claims"]["scope"] == "index:read:*"
        assert life["refreshed"]["refresh_token"] != life["granted"]["refresh_token"]
        assert life["before"]["active"] is True
        assert life["after"] == {"active": False}
        assert (life["reused"]["status"], life["reused"]["error"]) == (400, "invalid_grant")
    assert (found["wrong"]["status"], found["wrong"]["challenges"]) == (401, ["basic"])
