"""A small client that asks without pause and writes every request and answer down: the oracle."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from tests.faults.rounds import LONGEST
from tests.support.servers import Server
from tests.support.waiting import PATIENCE, wait_until

NO_ANSWER = 0
WHOAMI = "/api/auth/whoami"


@dataclass(frozen=True, slots=True)
class Request:
    """``name`` says in the record what kind of request it is."""

    name: str
    bearer: str = ""
    method: str = "GET"
    path: str = WHOAMI
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """When it was sent and when it was over; status 0 where the connection ended without one."""

    request: Request
    sent: float
    ended: float
    status: int
    retry_after: str | None
    body: Any

    @property
    def seconds(self) -> float:
        return self.ended - self.sent


class Caller:
    """One connection to one server at a time, opened again where it was lost."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: HTTPConnection | None = None

    def ask(self, request: Request) -> Answer:
        sent = time.monotonic()
        try:
            status, retry_after, content = self._exchange(request)
        except (OSError, HTTPException):
            self.close()
            status, retry_after, content = NO_ANSWER, None, b""
        ended = time.monotonic()
        kind = content[:1] in (b"{", b"[")
        return Answer(request, sent, ended, status, retry_after, json.loads(content) if kind else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _exchange(self, request: Request) -> tuple[int, str | None, bytes]:
        if self._connection is None:
            self._connection = HTTPConnection(self._server.url.removeprefix("http://"), timeout=PATIENCE)
        headers = {"Content-Type": "application/json"} | request.headers
        if request.bearer:
            headers["Authorization"] = f"Bearer {request.bearer}"
        body = None if request.body is None else json.dumps(request.body)
        self._connection.request(request.method, request.path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.headers["Retry-After"], response.read()


class Load:
    """``with Load(servers, requests) as load``: each request again and again, at every server."""

    def __init__(self, servers: Sequence[Server], requests: Sequence[Request], pause: float = 0.01) -> None:
        self.answers: list[Answer] = []
        self._pause = pause
        self._over = Event()
        jobs = [(server, request) for server in servers for request in requests]
        self._threads = [Thread(target=self._run, args=job, daemon=True) for job in jobs]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def named(self, name: str, since: float = 0.0) -> list[Answer]:
        return [one for one in self.answers if one.request.name == name and one.sent >= since]

    def statuses(self, name: str, since: float = 0.0) -> Counter[int]:
        return Counter(one.status for one in self.named(name, since))

    def wait_for(self, number: int, name: str, status: int, since: float = 0.0) -> None:
        """So many answers of that status to requests of that name, sent since then."""
        wait_until(
            lambda: self.statuses(name, since)[status] >= number,
            lambda: f"{name}: {self.statuses(name, since)} and not {number} x {status}",
        )

    def figures(self, since: float = 0.0, until: float = float("inf")) -> str:
        seconds = sorted(one.seconds for one in self.answers if since <= one.sent < until) or [0.0]
        p99 = seconds[int(len(seconds) * 0.99)]
        return f"{len(seconds)} answers, p99 {p99 * 1000:.0f} ms, longest {seconds[-1] * 1000:.0f} ms"

    def _run(self, server: Server, request: Request) -> None:
        with Caller(server) as caller:
            while not self._over.is_set():
                self.answers.append(caller.ask(request))
                self._over.wait(self._pause)


def expect_no_fault(answers: Sequence[Answer]) -> None:
    """No fault of ours, no hanging, and each 429 and 503 has a Retry-After."""
    for one in answers:
        assert one.status not in (NO_ANSWER, 500, 502), one
        assert one.seconds < LONGEST, one
        if one.status == 503:
            assert one.retry_after, one
