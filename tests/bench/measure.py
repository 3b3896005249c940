"""One measurement: wrk against one target, and the worker's own CPU time beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """``pid`` is the gunicorn arbiter's; ``refused`` says that the answers are meant to be 401.

    ``database`` is the URL of what its server asks.
    """

    name: str
    url: str
    pid: int
    authorizations: Path | None = None
    refused: bool = False
    database: str = ""


@dataclass(frozen=True)
class Sample:
    """Times in milliseconds; ``cpu`` is the workers' per request."""

    requests_per_second: float
    p50: float
    p99: float
    cpu: float


class BenchmarkError(Exception):
    pass


def wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError("The benchmark needs wrk, and there is none in PATH (Debian: apt install wrk).")
    return found


def measure(target: Target, *, connections: int, seconds: int) -> Sample:
    """Run wrk once; raise BenchmarkError where an answer was not the one meant."""
    before = cpu_seconds(target.pid)
    found = subprocess.run(
        [
            wrk(),
            "--threads",
            "1",
            "--connections",
            str(connections),
            "--duration",
            f"{seconds}s",
            "--timeout",
            "10s",
            "--script",
            str(HERE / "rotate.lua"),
            target.url,
        ],
        env=os.environ | {"AUTHORIZATIONS": str(target.authorizations or "")},
        capture_output=True,
        text=True,
        check=True,
    )
    cpu = cpu_seconds(target.pid) - before
    line = next(line for line in found.stdout.splitlines() if line.startswith("RESULT"))
    requests, micros, p50, p99, not_good, broken = map(int, line.split()[1:])
    if broken or not_good != (requests if target.refused else 0):
        raise BenchmarkError(f"{target.name}: {requests} requests, {not_good} refused, {broken} broken")
    return Sample(requests / (micros / 1e6), p50 / 1000, p99 / 1000, 1000 * cpu / requests)


def cpu_seconds(arbiter: int) -> float:
    """User and system time of the arbiter's children so far."""
    children = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    spent = 0
    for child in children:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / TICKS
