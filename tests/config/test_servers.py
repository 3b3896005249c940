"""The processes of a running Tessera: the web server's, and the housekeeping that belongs to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from urllib.request import urlopen

import psutil
import pytest

from tests.support.servers import Server, Servers
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def housekeepers(server: Server) -> list[int]:
    """The ids of the housekeeping processes whose parent is this server's."""
    found = []
    for child in psutil.Process(server.process.pid).children():
        # One that ended since it was listed has no command line any more.
        with suppress(psutil.Error):
            found += [child.pid] * ("config.server.housekeeper" in child.cmdline())
    return found


@pytest.fixture
def server(servers: Servers) -> Iterator[Server]:
    (running,) = servers(1, HOUSEKEEPING="1")
    wait_until(lambda: len(housekeepers(running)) == 1, running.log)
    yield running
    # Its housekeeping would write while later tests empty the tables.
    running.stop()


def test_two_servers_answer_for_themselves(servers: Servers) -> None:
    first, second = servers(2)
    assert first.url != second.url
    for each in (first, second):
        with urlopen(f"{each.url}/healthz") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_housekeeping_that_died_is_started_again_and_ends_with_its_server(
    server: Server, how: signal.Signals
) -> None:
    (died,) = housekeepers(server)
    os.kill(died, signal.SIGKILL)
    wait_until(lambda: housekeepers(server) not in ([], [died]), server.log)
    (pid,) = housekeepers(server)
    server.process.send_signal(how)
    server.process.wait(PATIENCE)
    wait_until(lambda: not psutil.pid_exists(pid))
