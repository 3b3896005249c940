"""Panels of the admin's home page. Each app registers its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import PermissionsMixin

MOST_LINES = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a panel: a name with its page, a figure, and what else identifies it."""

    name: str
    url: str
    figure: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HomePanel:
    """A short list of what staff look at each day.

    ``lines`` returns the first lines as of a moment, at most ``first`` of them. ``rank`` orders the panels,
    the lowest first. Staff without ``permission`` do not see it.
    """

    rank: int
    title: str
    note: str
    empty: str
    permission: str
    list_url: Callable[[], str]
    lines: Callable[[datetime, int], Sequence[Line]]


@dataclass(frozen=True, slots=True)
class FilledPanel:
    panel: HomePanel
    lines: Sequence[Line]
    has_more: bool

    @property
    def count(self) -> str:
        return f"{len(self.lines)}+" if self.has_more else str(len(self.lines))

    @property
    def url(self) -> str:
        return self.panel.list_url()


_panels: list[HomePanel] = []


def register(panel: HomePanel) -> None:
    _panels.append(panel)
    _panels.sort(key=lambda one: one.rank)


def filled(user: PermissionsMixin, now: datetime) -> list[FilledPanel]:
    """Return the panels that the user may see, with their lines as of now."""
    seen = [panel for panel in _panels if user.has_perm(panel.permission)]
    return [_fill(panel, now) for panel in seen]


def _fill(panel: HomePanel, now: datetime) -> FilledPanel:
    lines = panel.lines(now, MOST_LINES + 1)
    return FilledPanel(panel, lines[:MOST_LINES], len(lines) > MOST_LINES)
