"""Everything that is counted while requests are served, with the few values that its labels have.

It is declared in one place because every process must give a figure the same cell.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import count, product

from ratelimit.tally import FIRST_STATE, tally

KINDS = ("service_account", "user", "client", "internal", "browser", "nobody")
OUTCOMES = ("ok", "invalid", "unauthorized", "forbidden", "limited", "unavailable", "failed")
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_cells = count()
_states = count(FIRST_STATE)
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 429: "limited", 503: "unavailable"}


class Counter:
    """``labels`` maps a label to its possible values; ``cells`` maps values in that order to the cell."""

    def __init__(self, name: str, words: str, **labels: tuple[str, ...]) -> None:
        self.name, self.words, self.labels = name, words, tuple(labels)
        self.cells = {values: next(_cells) for values in product(*labels.values())}

    def add(self, *values: str) -> None:
        tally.add(self.cells[values])


class Histogram:
    """Of seconds, by one label; each of its values has a cell for every bucket, and one for microseconds."""

    def __init__(self, name: str, words: str, label: str, values: tuple[str, ...]) -> None:
        self.name, self.words, self.label = name, words, label
        self.cells = {value: [next(_cells) for _ in range(len(BOUNDS) + 2)] for value in values}

    def parts(self, value: str, seconds: float) -> tuple[tuple[int, int], tuple[int, int]]:
        """What ``tally.add_each`` is given for one observation."""
        cells = self.cells[value]
        return (cells[bisect_left(BOUNDS, seconds)], 1), (cells[-1], int(seconds * 1_000_000))


class State:
    """What is so now, in how many of the processes."""

    def __init__(self, name: str, words: str) -> None:
        self.name, self.words, self.cell = name, words, next(_states)

    def put(self, holds: bool) -> None:
        tally.put(self.cell, int(holds))

    @property
    def number(self) -> int:
        return tally.total(self.cell)


REQUESTS = Counter("tessera_requests", "Requests answered", kind=KINDS, outcome=OUTCOMES)
SECONDS = Histogram(
    "tessera_request_duration_seconds",
    "From the first middleware in to the last out",
    "lane",
    ("api", "page"),
)
DECISIONS = Counter(
    "tessera_limiter_decisions",
    "What the limiter decided, and by which store",
    by=("store", "sql"),
    outcome=("admitted", "refused", "stale"),
)
LOOKUPS = Counter(
    "tessera_credential_lookups",
    "Where a credential was found: in memory, in SQL, or in SQL again because the fence had moved",
    found=("memory", "sql", "sql_again"),
)
STORE_ERRORS = Counter("tessera_store_errors", "Failures of a store", store=("redis", "database"))
BREAKER_OPEN = State("tessera_store_breaker_open", "Processes that leave Redis alone after a failure")
DRAINING = State("tessera_draining", "Whether the server is about to stop")

COUNTERS = (REQUESTS, DECISIONS, LOOKUPS, STORE_ERRORS)
HISTOGRAMS = (SECONDS,)
STATES = (BREAKER_OPEN, DRAINING)


def request(kind: str, status: int, seconds: float, *, api: bool) -> None:
    """Count one answered request."""
    cell = REQUESTS.cells[kind, _BY_STATUS.get(status) or _outcome(status)]
    tally.add_each(((cell, 1), *SECONDS.parts("api" if api else "page", seconds)))


def _outcome(status: int) -> str:
    if status < 400:
        return "ok"
    return "invalid" if status < 500 else "failed"
