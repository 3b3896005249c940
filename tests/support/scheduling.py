"""Which tests a worker runs together, and which come first: those that start servers or a browser."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# One worker runs all of a group, so that what they share is started once. The longest comes first.
GROUPS = {
    "pages of tokens": ("tests/browser/walk/test_token_pages.py",),
    "pages of organizations": (
        "tests/browser/walk/test_organization_pages.py",
        "tests/browser/walk/test_documentation_and_errors.py",
    ),
    "pages of people and staff": ("tests/browser/walk/",),
    "browser": ("tests/browser/",),
    "faults": ("tests/faults/",),
    "servers": (
        "tests/gateways/test_behind_a_gateway.py",
        "tests/config/test_cors.py",
        "tests/config/test_raw_requests.py",
        "tests/config/test_servers.py",
        "tests/tokens/oauth/test_oauth_libraries.py",
        "tests/tokens/oauth/test_oauth_npm.py",
        "tests/tokens/oauth/test_oauth_races.py",
        "tests/tokens/sessions/test_published_sessions.py",
        "tests/tokens/service_accounts/test_races_over_http.py",
    ),
}

# Few tests that take long, and would keep one worker busy at the end.
LONG = (
    "tests/accounts/authentication/test_claims.py",
    "tests/config/test_start.py",
    "tests/project/test_packaging.py",
    "tests/ratelimit/sql/test_on_sqlite.py",
    "tests/tokens/api/test_hostile_bodies.py",
    "tests/tokens/staff/test_admin_scale.py",
)


def group_of(nodeid: str) -> str:
    """A group's name, or the test's file."""
    return next((name for name, paths in GROUPS.items() if nodeid.startswith(paths)), file_of(nodeid))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were shuffled: groups, then files that take long or commit, large files before small."""
    ranks = {name: number for number, name in enumerate(GROUPS)}
    sizes = Counter(group_of(item.nodeid) for item in items)
    slow = {group_of(item.nodeid) for item in items if is_slow(item)}

    def rank(item: pytest.Item) -> tuple[int, int, str]:
        group = group_of(item.nodeid)
        return ranks.get(group, len(ranks) + (group not in slow)), -sizes[group], file_of(item.nodeid)

    items.sort(key=rank)


def is_slow(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or item.nodeid.startswith(LONG)
