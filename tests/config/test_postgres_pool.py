"""The pool of PostgreSQL connections while the server is unavailable."""

from __future__ import annotations

import pytest
from psycopg_pool import PoolTimeout

from config.postgres.pool import Pool
from tests.support.stores.store import free_port

CALLS = 20


def test_a_request_that_waited_in_vain_is_not_kept() -> None:
    kwargs = {"conninfo": f"host=127.0.0.1 port={free_port()} user=tessera"}
    with Pool(configure=lambda _: None, kwargs=kwargs, min_size=1, max_size=2, timeout=0.05) as pool:
        for _ in range(CALLS):
            with pytest.raises(PoolTimeout):
                pool.getconn()
        assert pool.get_stats()["requests_errors"] == CALLS
        assert pool.get_stats()["requests_waiting"] == 0
