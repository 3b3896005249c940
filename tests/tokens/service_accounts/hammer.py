"""Bearers that are used without a pause over many connections, and what they got after they had ended."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tests.support.servers import Server

WHOAMI = "/api/auth/whoami"
# So many requests of each connection are answered before anything ends: by then every worker remembers.
RETRY_SECONDS = 0.2
WARMING = 4


@dataclass
class Used:
    """A bearer in use. ``ended_at`` is noted once the answer that ended it has been read whole."""

    bearer: str
    path: str = WHOAMI
    ended_at: float | None = None
    before: Counter[int] = field(default_factory=Counter)
    # What requests got that were begun later than that; ``amid`` is what was on its way.
    after: Counter[int] = field(default_factory=Counter)
    amid: Counter[int] = field(default_factory=Counter)

    def note(self, sent: float, status: int) -> None:
        if self.ended_at is None:
            self.before[status] += 1
        elif sent > self.ended_at:
            self.after[status] += 1
        else:
            self.amid[status] += 1


class Connection:
    """One connection to one server, kept open: a request at a time, written and read by hand."""

    def __init__(self, server: Server) -> None:
        self.host = server.url.removeprefix("http://")

    async def __aenter__(self) -> Self:
        name, _, port = self.host.partition(":")
        self.reader, self.writer = await asyncio.open_connection(name, int(port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def ask(self, method: str, path: str, bearer: str, body: Any = None) -> int:
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {bearer}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.writer.write(head.encode() + content)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length or 0))
        return int(answer.split(b" ", 2)[1])


async def use(used: Used, server: Server, later: int) -> None:
    """Ask again and again, until the bearer has been asked ``later`` times after its end."""
    async with Connection(server) as connection:
        while used.after.total() < later:
            sent = time.monotonic()
            status = await connection.ask("GET", used.path, used.bearer)
            used.note(sent, status)
            if status == 503:
                # Retries without a pause would keep a busy server from recovering.
                await asyncio.sleep(RETRY_SECONDS)


async def warmed(everybody: Sequence[Used], connections: int) -> None:
    while any(used.before[200] < WARMING * connections for used in everybody):
        await asyncio.sleep(0.05)


async def ask_once(server: Server, method: str, path: str, bearer: str, body: Any = None) -> int:
    async with Connection(server) as connection:
        return await connection.ask(method, path, bearer, body)
