"""Whole numbers that a server's processes count together, in memory that they share.

A scrape reaches one worker and must tell of all of them. The process that starts the workers makes the
memory and gives each a row; nobody else writes there, so a count costs no system call and no waiting.
A row outlives its worker and is taken over by the next one: what was counted stays counted.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from threading import Lock

WIDTH = 512
# What is told of a process while it lives, not counted, stands in the last cells of its row.
FIRST_STATE = WIDTH - 16
# Twice the workers while a reload overlaps; more than these count for themselves, unseen.
ROWS = 256
ARBITER = 0


def _cells(memory: bytearray | mmap.mmap) -> memoryview:
    return memoryview(memory).cast("q")


class Tally:
    """A process that shares with nobody (a command, a test) has one row, of its own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all = _cells(bytearray(8 * WIDTH))
        self._rows = 1
        self._mine = 0
        self._taken = {ARBITER}

    def share(self) -> None:
        """Start anew in memory that the processes forked from now on have in common."""
        self._all = _cells(mmap.mmap(-1, 8 * WIDTH * ROWS))
        self._rows, self._taken = ROWS, {ARBITER}

    def claim(self) -> int:
        """A row for a process about to be forked; -1 where none is left."""
        row = next((row for row in range(self._rows) if row not in self._taken), -1)
        self._taken.add(row)
        return row

    def use(self, row: int) -> None:
        """Called in the forked process."""
        self._lock = Lock()
        if row < 0:
            self._all, self._rows, row = _cells(bytearray(8 * WIDTH)), 1, 0
        self._mine = row * WIDTH

    def release(self, row: int) -> None:
        """Its process has ended."""
        if row < 0:
            return
        self._taken.discard(row)
        for cell in range(FIRST_STATE, WIDTH):
            self._all[row * WIDTH + cell] = 0

    def add(self, cell: int, number: int = 1) -> None:
        with self._lock:
            self._all[self._mine + cell] += number

    def add_each(self, numbers: Sequence[tuple[int, int]]) -> None:
        cells, mine = self._all, self._mine
        with self._lock:
            for cell, number in numbers:
                cells[mine + cell] += number

    def put(self, cell: int, number: int) -> None:
        self._all[self._mine + cell] = number

    def total(self, cell: int) -> int:
        return sum(self._all[cell::WIDTH])


tally = Tally()
