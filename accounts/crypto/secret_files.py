"""Files that hold the server's own secrets: private to their owner, and written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; of several processes that create it at once, all return the first one's."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, make(), replace=False)
    return path.read_text()


def write(path: Path, text: str, *, replace: bool) -> None:
    """Write atomically with mode 0600; without ``replace`` an existing file is kept."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        if replace:
            fresh.rename(path)
        else:
            os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)
