"""`python -m tests.bench.scale`: what a request costs beside a thousand tokens and beside a million.

Both databases are asked in one run, by turns: with what a worker remembers, and with every look-up in SQL.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.__main__ import database, print_table, python, run
from tests.bench.measure import Target, wrk
from tests.support import services
from tests.support.servers import Servers

USED = 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    wrk()
    services.start_stores()
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        targets = [target for rows in options.rows for target in serving(Path(folder), rows, stack)]
        for name in ("warm", "cold"):
            chosen = [target for target in targets if target.name.startswith(name)]
            table = run(chosen, options.connections, options.rounds, options.seconds)
            print_table(options.connections, table, base=chosen[0].name)
    services.pytest_unconfigure()


def serving(folder: Path, rows: int, stack: ExitStack) -> list[Target]:
    """A filled database, and two servers on it: one remembers credentials, one asks SQL for each."""
    url, name = os.environ["DATABASE_URL"], f"scale_{secrets.token_hex(4)}"
    database(url, f"CREATE DATABASE {name}")
    stack.callback(database, url, f"DROP DATABASE {name} WITH (FORCE)")
    environment = {
        "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    python(["-m", "django", "migrate", "--verbosity", "0"], environment)
    found = json.loads(python(["-m", "tests.bench.tessera_seed", str(rows), str(USED)], environment))
    file = folder / f"{rows}.txt"
    file.write_text("\n".join(found["whoami"]))
    targets = []
    for kind, size in (("warm", "10000"), ("cold", "1")):
        home = folder / f"{kind}-{rows}"
        home.mkdir()
        servers = Servers(home, {"HOUSEKEEPING": "0", "WEB_CONCURRENCY": "1"})
        stack.callback(servers.kill)
        [server] = servers(1, CREDENTIAL_MEMORY_SIZE=size, **environment)
        address = f"{server.url}/api/auth/whoami"
        targets.append(Target(f"{kind}, {rows:,} tokens", address, server.process.pid, file))
    return targets


if __name__ == "__main__":
    main()
