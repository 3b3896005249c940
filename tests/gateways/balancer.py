"""nginx before two servers of Tessera, as config/README.md shows it, and clients that never stop asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread

from tests.gateways.gateway import NGINX, Gateway
from tests.support.stores.store import free_port
from tests.support.waiting import PATIENCE, wait_until

LINES = """
upstream tessera {{ {servers} keepalive 32; }}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://tessera;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
    }}
}}
"""


class Balancer(Gateway):
    def __init__(self, folder: Path, *ports: int) -> None:
        self.kind, self.port = "nginx", free_port()
        self.log_file, self._folder = folder / "log", folder
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        self._start(NGINX % LINES.format(servers=servers, port=self.port))


class Load:
    """``answers`` counts what came back: a status, or the name of what broke."""

    def __init__(self, port: int, bearer: str, wishes: tuple[tuple[str, str], ...]) -> None:
        self.port, self.wishes = port, wishes
        self.headers = {"Authorization": f"Bearer {bearer}", "Host": "127.0.0.1"}
        self.answers: Counter[str] = Counter()
        self.ended = Event()

    def one_client(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            while not self.ended.is_set():
                for method, path in self.wishes:
                    try:
                        connection.request(method, path, headers=self.headers)
                        response = connection.getresponse()
                        response.read()
                        outcome = str(response.status)
                    except (OSError, HTTPException) as problem:
                        outcome = type(problem).__name__
                        connection.close()
                    self.answers[f"{method} {outcome}"] += 1
                    # Clients that take all of the machine would leave starting servers nothing.
                    self.ended.wait(0.01)

    @contextmanager
    def running(self, clients: int) -> Iterator[None]:
        crowd = [Thread(target=self.one_client) for _ in range(clients)]
        for client in crowd:
            client.start()
        try:
            yield
        finally:
            self.ended.set()
            for client in crowd:
                client.join()

    def wait_for(self, more: int) -> None:
        """Until that many more answers have come."""
        wanted = self.answers.total() + more
        wait_until(lambda: self.answers.total() >= wanted)
