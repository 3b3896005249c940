"""Flag of a server that is about to stop: one byte that gunicorn's arbiter writes and its workers read.

It is shared memory, not a metric's file, so that /readyz depends on no file.
"""

from __future__ import annotations

import mmap

# The workers are forked from the process that imported this module, and share the byte with it.
_begun = mmap.mmap(-1, 1)


def begin() -> None:
    _begun[0] = 1


def has_begun() -> bool:
    return _begun[0] == 1
