"""Prometheus metrics of served requests, with the few values that each label has.

Under gunicorn each worker keeps its counts in files of PROMETHEUS_MULTIPROC_DIR, and a scrape of any worker
adds up the files of all. Commands and tests have no such folder, and count in their own memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ratelimit import draining

KINDS = ("service_account", "user", "client", "internal", "browser", "nobody")
OUTCOMES = ("ok", "invalid", "unauthorized", "forbidden", "limited", "unavailable", "failed")
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_BY_STATUS = {401: "unauthorized", 403: "forbidden", 429: "limited", 503: "unavailable"}
# A `_created` series for each count would double the exposition, and the workers' files have none.
disable_created_metrics()  # type: ignore[no-untyped-call]
_of_this_process = CollectorRegistry()


def _counter(name: str, words: str, **labels: tuple[str, ...]) -> Callable[..., Counter]:
    """``labels`` maps each label to its values; the result maps one of each to the counter of both.

    Every combination is exposed from the start, as 0. Each is kept, because ``labels`` costs more than
    ``inc`` does.
    """
    child = cache(Counter(name, words, [*labels], registry=_of_this_process).labels)
    for values in product(*labels.values()):
        child(*values)
    return child


REQUESTS = _counter("tessera_requests", "Requests answered", kind=KINDS, outcome=OUTCOMES)
_seconds = Histogram(
    "tessera_request_duration_seconds",
    "From the first middleware in to the last out",
    ["lane"],
    buckets=BOUNDS,
    registry=_of_this_process,
)
SECONDS = {lane: _seconds.labels(lane) for lane in ("api", "page")}
DECISIONS = _counter(
    "tessera_limiter_decisions",
    "What the limiter decided, and by which store",
    by=("store", "sql"),
    outcome=("admitted", "refused", "stale"),
)
LOOKUPS = _counter(
    "tessera_credential_lookups",
    "Where a credential was found: in memory, in SQL, or in SQL again because the fence had moved",
    found=("memory", "sql", "sql_again"),
)
STORE_ERRORS = _counter("tessera_store_errors", "Failures of a store", store=("redis", "database"))
BREAKER_OPEN = Gauge(
    "tessera_store_breaker_open",
    "Processes that send Redis nothing after a failure",
    multiprocess_mode="livesum",
    registry=_of_this_process,
)


def request(kind: str, status: int, seconds: float, *, api: bool) -> None:
    """Count one answered request."""
    REQUESTS(kind, _BY_STATUS.get(status) or _outcome(status)).inc()
    SECONDS["api" if api else "page"].observe(seconds)


class Counted(Collector):
    """The counts of all workers of this server, or of this process if it is not a worker."""

    def collect(self) -> Iterator[Metric]:
        stopping = draining.has_begun()
        yield GaugeMetricFamily("tessera_draining", "Whether the server is about to stop", value=stopping)
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            yield from _of_this_process.collect()
            return
        files = [str(file) for file in Path(folder).glob("*.db") if _has_values(file)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]


def _has_values(file: Path) -> bool:
    """Return False for an empty file: a worker is creating it, or was killed in between.

    prometheus_client itself fails on an empty file (client_python issue 1199).
    """
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _outcome(status: int) -> str:
    if status < 400:
        return "ok"
    return "invalid" if status < 500 else "failed"
