"""`make bench`: Tessera beside baselines and peers, interleaved in one run, as medians and ratios."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.count import per_request
from tests.bench.measure import BenchmarkError, Sample, Target, measure, wrk
from tests.support import services
from tests.support.servers import Server, Servers

ROOT = Path(__file__).resolve().parents[2]
PEER_CONFIG = "tests/bench/peer_gunicorn.conf.py"
PEERS = ("plain", "bare", "drf-token", "knox", "api-key", "simplejwt", "simplejwt-stateless")
REFUSED = ("malformed", "unknown")
TESSERA = {
    "whoami": "/api/auth/whoami",
    "verify": "/api/auth/verify",
    "malformed": "/api/auth/whoami",
    "unknown": "/api/auth/whoami",
}


def main() -> None:
    options = arguments()
    wrk()
    services.start_stores()
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        targets = stack.enter_context(prepared(Path(folder), options.rows, options.used))
        chosen = [target for target in targets if target.name in (options.only or [t.name for t in targets])]
        report: dict[str, Any] = {}
        for connections in options.connections:
            table = run(chosen, connections, options.rounds, options.seconds)
            report[f"{connections} connections"] = table
            print_table(connections, table)
        report["per warm request"] = count(chosen)
        if options.json:
            Path(options.json).write_text(json.dumps(report, indent=1))
    services.pytest_unconfigure()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rows", type=int, default=100_000, help="tokens in the tables")
    parser.add_argument("--used", type=int, default=200, help="tokens in use")
    parser.add_argument("--only", nargs="+", help="targets to measure")
    parser.add_argument("--json", default="", help="write the figures there")
    return parser.parse_args()


@contextmanager
def prepared(folder: Path, rows: int, used: int) -> Iterator[list[Target]]:
    """Both servers, one process each, with filled tables; yields every target."""
    url = os.environ["DATABASE_URL"]
    base = urlsplit(url)
    names = {"tessera": f"bench_{secrets.token_hex(4)}", "peers": f"bench_{secrets.token_hex(4)}"}
    urls = {kind: base._replace(path=f"/{name}").geturl() for kind, name in names.items()}
    for name in names.values():
        database(url, f"CREATE DATABASE {name}")
    try:
        yield from _serving(folder, urls, rows, used)
    finally:
        for name in names.values():
            database(url, f"DROP DATABASE {name} WITH (FORCE)")


def _serving(folder: Path, urls: dict[str, str], rows: int, used: int) -> Iterator[list[Target]]:
    limits = (
        "REFUSALS_PER_MINUTE",
        "OAUTH_CALLS_PER_MINUTE",
        "OAUTH_GRANTS_PER_MINUTE",
        "REFRESHES_PER_MINUTE",
        "SIGN_INS_PER_MINUTE",
        "GRANTS_PER_CLIENT",
    )
    common = {"REDIS_URL": os.environ["REDIS_URL"], **dict.fromkeys(limits, "1000000000")}
    tessera = common | {"DATABASE_URL": urls["tessera"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    peers = common | {
        "PEER_DATABASE_URL": urls["peers"],
        "DJANGO_SETTINGS_MODULE": "tests.bench.peer_settings",
    }
    values: dict[str, list[str]] = {}
    for environment, seed in ((tessera, "tessera_seed"), (peers, "peer_seed")):
        python(["-m", "django", "migrate", "--verbosity", "0"], environment)
        found = python(["-m", f"tests.bench.{seed}", str(rows), str(used)], environment)
        values |= json.loads(found)
    one = {"HOUSEKEEPING": "0", "WEB_CONCURRENCY": "1"}
    ours_running = Servers(folder, one)
    theirs_running = Servers(folder, one, PEER_CONFIG)
    try:
        [ours], [theirs] = ours_running(1, **tessera), theirs_running(1, **peers)
        yield [
            *_targets(folder, values, ours, TESSERA, urls["tessera"]),
            *_targets(folder, values, theirs, {p: f"/{p}" for p in PEERS}, urls["peers"]),
        ]
    finally:
        ours_running.kill()
        theirs_running.kill()


def _targets(
    folder: Path, values: dict[str, list[str]], server: Server, paths: dict[str, str], database_url: str
) -> list[Target]:
    targets = []
    for name, path in paths.items():
        file = None
        if name in values:
            file = folder / f"{name}.txt"
            file.write_text("\n".join(values[name]))
        address = server.url + path
        targets.append(Target(name, address, server.process.pid, file, name in REFUSED, database_url))
    return targets


def run(targets: list[Target], connections: int, rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    """Every target once a round, so that what the machine does meanwhile meets all alike; medians."""
    samples: dict[str, list[Sample]] = {target.name: [] for target in targets}
    for target in targets:
        measure(target, connections=connections, seconds=1)
    for _ in range(rounds):
        for target in targets:
            samples[target.name].append(measure(target, connections=connections, seconds=seconds))
    return {name: _median(found) for name, found in samples.items()}


def count(targets: list[Target]) -> dict[str, dict[str, float]]:
    """Last of all, because it ends the servers' connections to SQL."""
    print(f"\nper warm request\n{'target':22}{'SQL':>12}{'Redis trips':>13}")
    found = {}
    for target in targets:
        sql, trips = per_request(target, target.database, os.environ["REDIS_URL"])
        print(f"{target.name:22}{sql:12}{trips:13}")
        found[target.name] = {"sql": sql, "redis": trips}
    return found


def _median(samples: list[Sample]) -> dict[str, float]:
    rows = [asdict(sample) for sample in samples]
    return {key: round(statistics.median(row[key] for row in rows), 3) for key in rows[0]}


def print_table(connections: int, table: dict[str, dict[str, float]], base: str = "bare") -> None:
    best = table.get(base, {}).get("requests_per_second")
    print(f"\n{connections} connections, one worker process")
    print(f"{'target':22}{'requests/s':>12}{f'of {base}'[:20]:>21}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for name, row in table.items():
        ratio = f"{row['requests_per_second'] / best:.2f}" if best else "-"
        print(
            f"{name:22}{row['requests_per_second']:12.0f}{ratio:>21}"
            f"{row['p50']:9.2f}{row['p99']:9.2f}{row['cpu']:9.3f}"
        )


def python(command: list[str], environment: dict[str, str]) -> str:
    found = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise BenchmarkError(found.stderr)
    return found.stdout


def database(url: str, statement: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(statement)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as problem:
        sys.exit(str(problem))
