"""A PostgreSQL that belongs to the fault tests: it can be stopped, locked, filled and shut to writers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from tests.support.stores import postgres
from tests.support.stores.store import Store

# Few, so that a test can take them all; and what is acknowledged must outlive a crash.
SETTINGS = {"max_connections": "60", "synchronous_commit": "on"}
PASSWORD = "the-first-password-of-both-stores"
OTHER_PASSWORD = "the-second-password-of-both-stores"
KEEPER = "keeper"
# The keeper comes in whatever becomes of the product's password.
ACCESS = """
host all {keeper} 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


class OwnPostgres:
    def __init__(self, folder: Path) -> None:
        self._store: Store = postgres.start(folder, **SETTINGS)
        parts = urlsplit(self._store.url)
        assert parts.port
        self.port = parts.port
        self.user = postgres.USER
        with self.session(user=self.user, dbname="postgres") as session:
            session.execute("CREATE DATABASE tessera")
            session.execute(f"CREATE ROLE {KEEPER} SUPERUSER LOGIN")
            self.set_password(PASSWORD, session)
        (folder / "postgres" / "data" / "pg_hba.conf").write_text(ACCESS.format(keeper=KEEPER))
        with self.session(user=KEEPER) as session:
            session.execute("SELECT pg_reload_conf()")

    @property
    def url(self) -> str:
        return f"postgres://{self.user}:{PASSWORD}@127.0.0.1:{self.port}/tessera"

    @contextmanager
    def session(self, user: str = KEEPER, dbname: str = "tessera") -> Iterator[psycopg.Connection[Any]]:
        connection = psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, dbname=dbname, autocommit=True, password=PASSWORD
        )
        try:
            yield connection
        finally:
            connection.close()

    def set_password(self, password: str, session: psycopg.Connection[Any]) -> None:
        session.execute(f"ALTER ROLE {self.user} PASSWORD '{password}'".encode())

    def turn_out(self, session: psycopg.Connection[Any]) -> int:
        """End every connection of the product's; returns how many there were."""
        ended = session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [self.user]
        )
        return ended.rowcount

    def set(self, name: str, value: str) -> None:
        with self.session() as session:
            session.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            session.execute("SELECT pg_reload_conf()")

    def crash(self) -> None:
        """As `pg_ctl stop -m immediate`: nothing is finished or written down first."""
        self._store.stop()

    def start(self) -> None:
        self._store.start()
        self._store.wait(lambda: postgres.answers(self.port, KEEPER))

    def shut_down(self) -> None:
        """As `pg_ctl stop -m fast`: it turns everybody out, in the middle of whatever they do."""
        self._store.stop(signal.SIGINT)

    def pause(self) -> None:
        """Its processes stand still, as on a machine that hangs."""
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self._store.pid)
        return [postmaster, *postmaster.children()]
