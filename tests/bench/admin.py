"""`python -m tests.bench.admin`: time and queries of each page of the admin on a large database."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from urllib.parse import urlsplit

from tests.bench.__main__ import ROOT, database, python
from tests.support import services


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.admin", description=__doc__)
    parser.add_argument("--organizations", type=int, default=20_000)
    parser.add_argument("--members", type=int, default=50_000)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--large-members", type=int, default=2_000, help="members of one organization")
    parser.add_argument("--large-tokens", type=int, default=5_000, help="tokens of that organization")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    services.start_stores()
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    url, name = os.environ["DATABASE_URL"], f"admin_{secrets.token_hex(4)}"
    database(url, f"CREATE DATABASE {name}")
    environment = {
        "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
    }
    try:
        python(["-m", "django", "migrate", "--verbosity", "0"], environment)
        sizes = [f"{key}={value}" for key, value in vars(options).items()]
        command = [sys.executable, "-m", "tests.bench.admin_pages", *sizes]
        subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True)
    finally:
        database(url, f"DROP DATABASE {name} WITH (FORCE)")
        services.pytest_unconfigure()


if __name__ == "__main__":
    main()
