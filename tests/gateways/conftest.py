"""One Tessera, one API and both gateways between them, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.gateways.gateway import KINDS, Gateway, program
from tests.gateways.upstream import Upstream
from tests.support.servers import Servers


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture(scope="session")
def gateway(
    kind: str, tessera: int, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    running = Gateway(kind, tmp_path_factory.mktemp(kind), tessera=tessera, api=upstream.port)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def tessera(servers: Servers) -> int:
    """The port of the server that tests with the same wish share."""
    return urlsplit(servers(1)[0].url).port or 0
