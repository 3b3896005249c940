"""`python -m tests.bench.oauth`: the token endpoint beside a bare DRF POST, one caller, interleaved."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.bench.__main__ import database, python
from tests.bench.measure import BenchmarkError, cpu_seconds
from tests.support import services
from tests.support.servers import Server, Servers

ROUNDS, REQUESTS = 7, 200
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PERSON = ["--email", "bench@example.com", "--organization", "Bench", "--client", "Bench", "--json"]


class Caller:
    """One kept connection, and how long each of its requests took."""

    def __init__(self, server: Server, path: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
        self.path = path
        self.pid = server.process.pid
        self.took: list[float] = []
        self.cpu = 0.0

    def round(self, form: Callable[[], dict[str, str]], learn: Callable[[dict[str, str]], None]) -> None:
        before = cpu_seconds(self.pid)
        for _ in range(REQUESTS):
            body = urlencode(form())
            started = time.perf_counter()
            self.connection.request("POST", self.path, body, FORM)
            response = self.connection.getresponse()
            answer = response.read()
            self.took.append(time.perf_counter() - started)
            if response.status != 200:
                raise BenchmarkError(f"{self.path}: {response.status} {answer!r}")
            learn(json.loads(answer))
        self.cpu += cpu_seconds(self.pid) - before


def main() -> None:
    services.start_stores()
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (ours, theirs, client):
        proof = {"client_id": client["clientId"], "client_secret": client["clientSecret"]}
        known: dict[str, str] = {}
        grant = {"grant_type": "client_credentials", **proof}
        callers = {
            "bare DRF POST": (Caller(theirs, "/bare"), lambda: grant, lambda _: None),
            "client_credentials": (Caller(ours, "/v1/auth/token"), lambda: grant, known.update),
            "refresh_token": (
                Caller(ours, "/v1/auth/token"),
                lambda: {"grant_type": "refresh_token", "refresh_token": known["refresh_token"], **proof},
                known.update,
            ),
        }
        for _ in range(ROUNDS):
            for caller, form, learn in callers.values():
                caller.round(form, learn)
        print_table({name: caller for name, (caller, _, _) in callers.items()})
    services.pytest_unconfigure()


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Server, Server, dict[str, str]]]:
    """Both servers, one process each, and a client in a database of their own."""
    url, name = os.environ["DATABASE_URL"], f"bench_{secrets.token_hex(4)}"
    common = {
        "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl(),
        "JWT_SIGNING_KEYS_FILE": str(folder / "keys.json"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    peers = {
        "PEER_DATABASE_URL": common["DATABASE_URL"],
        "DJANGO_SETTINGS_MODULE": "tests.bench.peer_settings",
    }
    database(url, f"CREATE DATABASE {name}")
    servers = Servers(folder, {"HOUSEKEEPING": "0"})
    try:
        python(["-m", "django", "migrate", "--verbosity", "0"], common)
        answer = json.loads(python(["manage.py", "bootstrap", *PERSON], common))
        yield servers(1, **common)[0], servers(1, **peers)[0], answer["client"]
    finally:
        servers.kill()
        database(url, f"DROP DATABASE {name} WITH (FORCE)")


def print_table(callers: dict[str, Caller]) -> None:
    print(f"{'one caller, one worker process':32}{'median ms':>11}{'p99 ms':>9}{'CPU ms':>9}")
    for name, caller in callers.items():
        took = sorted(caller.took)
        median, p99 = statistics.median(took), took[int(len(took) * 0.99)]
        cpu = caller.cpu / len(took)
        print(f"{name:32}{median * 1000:11.2f}{p99 * 1000:9.2f}{cpu * 1000:9.2f}")


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as problem:
        sys.exit(str(problem))
