"""Redis client: one atomic script per call, in one round trip, on a persistent connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from hashlib import sha1
from pathlib import Path
from typing import Any

from hiredis import pack_command
from redis.exceptions import NoScriptError

from ratelimit.conf import settings
from ratelimit.store.circuit_breaker import StoreUnavailable
from ratelimit.store.cluster import Cluster
from ratelimit.store.connections import Redirected, Server, answer_of, connect

__all__ = ["Script", "StoreUnavailable", "cluster", "fence", "meter", "pipeline", "window"]

Command = tuple[Any, ...]


class Script:
    """A Lua file, run by its digest, and sent as a whole if the server does not know it yet."""

    def __init__(self, name: str) -> None:
        self.path = Path(__file__).parent / "scripts" / name

    @cached_property
    def source(self) -> str:
        return self.path.read_text()

    @cached_property
    def sha(self) -> str:
        return sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: list[str], arguments: list[Any], *, with_run: bool = False) -> list[Any]:
        """Run the script in one round trip; raises StoreUnavailable. A lost answer is never repeated.

        All keys have one hash tag. ``with_run`` puts the run ID of the server that executes the script before
        the arguments.
        """

        def question(connection: Any) -> list[Any]:
            given = [connection.run_id, *arguments] if with_run else arguments
            try:
                return _run(connection, "EVALSHA", self.sha, keys, given)
            except NoScriptError:
                return _run(connection, "EVAL", self.source, keys, given)

        return cluster().ask(keys[0], question)

    def each(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[bool]:
        """Run the script for each key and its arguments, in one round trip to each server.

        The server's run ID is put before the arguments. Returns for each call whether its server has
        answered; raises StoreUnavailable if no server is known. A lost answer is never repeated.
        """
        answered = [False] * len(calls)
        for numbers in _by_server([key for key, _ in calls]):
            mine = [calls[number] for number in numbers]
            with suppress(StoreUnavailable):
                cluster().ask(mine[0][0], partial(self._run_each, mine))
                for number in numbers:
                    answered[number] = True
        return answered

    def _run_each(self, calls: Sequence[tuple[str, Sequence[Any]]], connection: Any) -> None:
        # EVAL stores the script, so that the server knows the digest for the other calls.
        scripts = [("EVAL", self.source), *[("EVALSHA", self.sha)] * (len(calls) - 1)]
        commands = [
            (*script, 1, key, connection.run_id, *arguments)
            for script, (key, arguments) in zip(scripts, calls, strict=True)
        ]
        connection.send_packed_command(connection.pack_commands(commands))
        for _ in commands:
            connection.read_response()


def _run(connection: Any, command: str, script: str, keys: list[str], arguments: list[Any]) -> list[Any]:
    # redis-py's own packing splits and copies the command, which hiredis does not need.
    answer: list[Any] = answer_of(connection, pack_command((command, script, len(keys), *keys, *arguments)))
    return answer


def pipeline(*commands: Command, server: Server | None = None) -> tuple[str, list[Any]]:
    """Return the run ID of the first command's server, and an answer for each command, in order.

    Takes one round trip to each server that has some of the keys, or to ``server`` alone. Raises
    StoreUnavailable.
    """
    if server is not None:
        return _answered(server.ask, commands)
    home = cluster()
    answers: dict[int, Any] = {}
    runs = []
    for numbers in _by_server([command[1] for command in commands]):
        mine = [commands[number] for number in numbers]
        run, found = _answered(partial(home.ask, mine[0][1]), mine)
        runs.append(run)
        answers.update(zip(numbers, found, strict=True))
    return runs[0], [answers[number] for number in range(len(commands))]


def _by_server(keys: Sequence[str | bytes]) -> Iterable[list[int]]:
    """Return the positions of the keys that each server has."""
    home = cluster()
    parts: dict[Server, list[int]] = {}
    for number, key in enumerate(keys):
        parts.setdefault(home.of(key), []).append(number)
    return parts.values()


def _answered(
    ask_server: Callable[[Callable[[Any], tuple[str, list[Any]]]], tuple[str, list[Any]]],
    commands: Sequence[Command],
) -> tuple[str, list[Any]]:
    def question(connection: Any) -> tuple[str, list[Any]]:
        connection.send_packed_command(connection.pack_commands(commands))
        return connection.run_id, [connection.read_response() for _ in commands]

    try:
        return ask_server(question)
    except Redirected:
        raise StoreUnavailable from None


def cluster() -> Cluster:
    """Return the servers of REDIS_URL; raises StoreUnavailable if it is empty."""
    if not settings.REDIS_URL:
        raise StoreUnavailable
    return _cluster(settings.REDIS_URL)


@lru_cache(maxsize=8)
def _cluster(url: str) -> Cluster:
    return Cluster(connect(url))


meter = Script("decide.lua")
window = Script("hit_window.lua")
fence = Script("invalidate.lua")
