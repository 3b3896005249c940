"""What one request costs the stores, as the stores themselves count it."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import psycopg
import redis

from tests.bench.measure import Target

WARM, COUNTED = 40, 200
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
# A server process tells what it has done when it ends, and otherwise up to ten seconds later.
END_ALL = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"


def per_request(target: Target, database_url: str, redis_url: str) -> tuple[float, float]:
    """SQL transactions (statements, where they stand alone) and round trips to Redis of a warm request."""
    database = urlsplit(database_url)
    store = redis.Redis.from_url(redis_url)
    with psycopg.connect(database._replace(path="/postgres").geturl(), autocommit=True) as connection:

        def transactions(requests: int) -> int:
            before = results()
            ask(target, requests)
            connection.execute(END_ALL, [database.path.strip("/")])
            return results() - before

        def results() -> int:
            found = connection.execute(TRANSACTIONS, [database.path.strip("/")]).fetchone()
            assert found is not None
            return int(found[0])

        # What was done before is reported at the first end, and each end makes connections begin anew.
        transactions(WARM)
        alone = transactions(WARM)
        statements = transactions(WARM + COUNTED) - alone
        ask(target, WARM)
        reads = store.info("stats")["total_reads_processed"]
        ask(target, COUNTED)
        # One of them was this question itself.
        trips = store.info("stats")["total_reads_processed"] - reads - 1
    return round(statements / COUNTED, 1), round(trips / COUNTED, 1)


def ask(target: Target, times: int) -> None:
    """One after the other. The first may meet a connection that was ended here, and is not minded."""
    place = urlsplit(target.url)
    headers = {}
    if target.authorizations is not None:
        headers["Authorization"] = target.authorizations.read_text().splitlines()[0]
    link = HTTPConnection(place.netloc, timeout=30)
    for _ in range(times):
        try:
            link.request("GET", place.path, headers=headers)
            link.getresponse().read()
        except (OSError, HTTPException):
            link.close()
    link.close()
