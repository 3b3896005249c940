"""`python -m tests.support.stores postgres redis`: starts them, says where, and ends with its standard input.

Prints one line of JSON, {"DATABASE_URL": …, "REDIS_URL": …, "JWT_SIGNING_KEYS_FILE": …}, once they answer.
The stores are children of this process and not of the test run, so that they are stopped and the run's folder
removed however that ends.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.support.stores import postgres, redis
from tests.support.stores.store import StoreError

STARTERS = {"postgres": ("DATABASE_URL", postgres.start), "redis": ("REDIS_URL", redis.start)}


def scratch_folder() -> Path:
    """A new temporary folder that every user can get to, because PostgreSQL runs as another one than root."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    open_places = [place for place in places if place.is_dir() and postgres.open_to_all(place)]
    scratch = Path(tempfile.mkdtemp(prefix="tessera-test-", dir=(open_places or places)[0]))
    scratch.chmod(0o755)
    return scratch


def main(names: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as cleanup:
        scratch = scratch_folder()
        cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
        # A checkout's own keys must not serve tests that rotate them.
        variables = {"JWT_SIGNING_KEYS_FILE": str(scratch / "signing-keys.json")}
        for name in names:
            variable, start = STARTERS[name]
            try:
                store = start(scratch)
            except (StoreError, OSError) as problem:
                print(problem, file=sys.stderr)
                return 1
            cleanup.callback(store.stop)
            variables[variable] = store.url
        print(json.dumps(variables), flush=True)
        while os.read(0, 1024):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
