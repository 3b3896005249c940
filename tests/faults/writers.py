"""Clients that change things without pause, repeat what was not answered, and keep what was promised them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from uuid import uuid4

from tests.faults.load import NO_ANSWER, Answer, Caller, Request
from tests.support.servers import Server
from tests.support.waiting import PATIENCE

# A repetition gets the same successor for ten seconds; one that came later proves nothing.
GRACE = 8.0
WISH = {"permissions": ["index:read:*"], "expiresInDays": 1}


@dataclass
class Promises:
    """What was answered well, by public id; and what turned out to be broken."""

    keys: int = 0
    created: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    refreshed: int = 0
    lost: int = 0
    late: int = 0
    unavailable: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


class Writer:
    """Acts for one kind of change; ``until`` repeats a request until it is answered well."""

    def __init__(self, server: Server, bearer: str, promises: Promises, over: Event) -> None:
        self.caller, self.bearer, self.promises, self.over = Caller(server), bearer, promises, over

    def until(self, good: set[int], request: Request) -> Answer | None:
        """None once it is over. A 503 and no answer at all are repeated; anything else is broken."""
        for _ in count():
            answer = self.caller.ask(request)
            if answer.status in good:
                return answer
            if answer.status == NO_ANSWER:
                self.promises.lost += 1
            elif answer.status == 503:
                self.promises.unavailable[request.name] += 1
            else:
                self.promises.broken.append(f"{request.name}: {answer.status} {answer.body}")
                return None
            if self.over.wait(0.02):
                break
        return None

    def tokens(self) -> None:
        """Create one, revoke it, and see it refused; one Idempotency-Key makes one token."""
        key = uuid4().hex
        self.promises.keys += 1
        headers = {"Idempotency-Key": key}
        wish = WISH | {"name": key}
        made = self.until({201, 409}, self.request("create", "POST", "/api/v1/tokens", wish, headers))
        if made is None:
            return
        record = made.body if made.status == 201 else made.body["record"]
        self.promises.created.add(record["id"])
        if not self.until({204}, self.request("revoke", "DELETE", f"/api/v1/tokens/{record['id']}")):
            return
        self.promises.revoked.add(record["id"])
        if secret := record.get("token"):
            self.until({401}, Request("revoked", secret))

    def removals(self, members: Iterator[str]) -> Callable[[], None]:
        def remove() -> None:
            if member := next(members, None):
                # If the response to a removal was lost, the member no longer exists.
                gone = self.until({204, 404}, self.request("remove", "DELETE", f"/api/v1/members/{member}"))
                if gone:
                    self.promises.removed.add(member)
            else:
                self.over.wait(0.1)

        return remove

    def refreshes(self, tokens: Iterator[str]) -> Callable[[], None]:
        """A family's token for its successor, again and again; what is answered late begins another one."""
        held = [next(tokens)]

        def refresh() -> None:
            began = time.monotonic()
            body = {"refresh_token": held[0]}
            answer = self.until({200, 401}, Request("refresh", "", "POST", "/v1/auth/refresh", body))
            if answer is None:
                return
            if answer.status == 200:
                self.promises.refreshed += 1
                held[0] = answer.body["refresh_token"]
            elif time.monotonic() - began > GRACE:
                self.promises.late += 1
                held[0] = next(tokens)
            else:
                self.promises.broken.append(f"refresh: {answer.body}")

        return refresh

    def request(
        self,
        name: str,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Request:
        return Request(name, self.bearer, method, path, body, headers or {})


@contextmanager
def at_work(writers: Sequence[Writer], acts: Sequence[Callable[[], None]], over: Event) -> Iterator[None]:
    """Each act without pause, in a thread of its own, until the block ends."""

    def work(writer: Writer, act: Callable[[], None]) -> None:
        while not over.is_set():
            act()
        writer.caller.close()

    pairs = zip(writers, acts, strict=True)
    threads = [Thread(target=work, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
