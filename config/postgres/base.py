"""Django's PostgreSQL back end on our pool, in which requests do not wait for an unavailable server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from config.postgres.pool import Pool


class DatabaseWrapper(base.DatabaseWrapper):
    _connection_pools: dict[str, Any]
    _configure_connection: Callable[[Any], None]

    @property
    def pool(self) -> Any:
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.alias == NO_DB_ALIAS:
            return super().pool
        if self.alias not in self._connection_pools:
            fresh = Pool(
                kwargs=self.get_connection_params() | {"autocommit": True},
                configure=self._configure_connection,
                **options,
            )
            # If several threads come here at once, the first pool is kept. None is open yet.
            self._connection_pools.setdefault(self.alias, fresh)
        return self._connection_pools[self.alias]
