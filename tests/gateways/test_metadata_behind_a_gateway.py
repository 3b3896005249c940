"""The largest metadata reaches an API behind nginx and Caddy, with the lines that the README adds for it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

import pytest

from accounts.models import Membership
from tests.gateways.gateway import Gateway, lines
from tests.gateways.test_behind_a_gateway import ask
from tests.gateways.upstream import Upstream
from tests.support.people import make_member, make_organization, make_token
from tests.support.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = {f"{number:040}": "\U0001f600" * 200 for number in range(20)}
NAMES = ("x-tessera-metadata", "x-tessera-organization-metadata")


def with_metadata(kind: str) -> str:
    """Return the README's lines with those that it adds for metadata."""
    if kind == "caddy":
        added = " ".join(("X-Tessera-Permissions", "X-Tessera-Metadata", "X-Tessera-Organization-Metadata"))
        text = lines("caddyfile").replace("X-Tessera-Permissions", added)
        return text.replace("uri /api/auth/verify?", "uri /api/auth/verify?metadata=1&")
    readme = (ROOT / "tokens/README.md").read_text()
    found = re.search(r"# In location = /_tessera:\n(.*?)# In location /:\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    text = lines("nginx").replace("?require=$require", "?require=$require&metadata=1")
    text = text.replace("internal;", f"internal;\n{found[1]}")
    return text.replace("auth_request /_tessera;", f"auth_request /_tessera;\n{found[2]}")


@pytest.fixture(scope="module")
def gateway(
    kind: str, tessera: int, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp(f"{kind}-metadata")
    running = Gateway(kind, folder, tessera=tessera, api=upstream.port, text=with_metadata(kind))
    yield running
    running.stop()


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    return make_member(make_organization("Acme", metadata=LONGEST))


def decoded(text: str) -> object:
    return json.loads(urlsafe_b64decode(text + "=="))


def test_the_largest_metadata_reaches_the_api(gateway: Gateway, owner: Membership) -> None:
    answer = ask(gateway, make_token(owner, metadata=LONGEST).plaintext)
    assert answer.status == 200, answer
    assert [[decoded(text) for text in answer.received[name]] for name in NAMES] == [[LONGEST], [LONGEST]]


def test_a_client_cannot_forge_it(gateway: Gateway, owner: Membership) -> None:
    forged = dict.fromkeys((*NAMES, "X_Tessera_Metadata"), "eyJhIjoiZm9yZ2VkIn0")
    answer = ask(gateway, make_token(owner).plaintext, **forged)
    assert answer.received[NAMES[0]] == ["e30"]
    assert "eyJhIjoiZm9yZ2VkIn0" not in json.dumps(answer.body)
