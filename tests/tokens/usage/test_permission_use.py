"""A permission is used if a call required something that it covers, and no narrower one of the token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tokens.usage.permission_use import is_known, used_of


@pytest.mark.parametrize(
    ("held", "used", "expected"),
    [
        (["index:read:*", "events:read:*"], ["index:read:42"], ["index:read:*"]),
        (["index:write:*", "index:read:*"], ["index:read:*"], ["index:read:*"]),
        (
            ["index:write:*", "index:read:*"],
            ["index:write:7", "index:read:7"],
            ["index:write:*", "index:read:*"],
        ),
        (["*:*:*", "tokens.manage", "tokens.view"], ["tokens.view"], ["tokens.view"]),
        (["tokens.view", "tokens:view:*"], ["tokens.view"], ["tokens.view", "tokens:view:*"]),
        (["index:read:41"], ["index:read:42"], []),
        (["index:read:*"], ["index:write:*"], []),
        (["tokens.manage", "usage.view"], ["tokens.view"], ["tokens.manage"]),
        (["*:*:*"], ["events:read:*"], ["*:*:*"]),
        (["*:*:*", "index:read:*"], ["other", ""], []),
        (["index:read:*"], [], []),
    ],
)
def test_the_narrowest_permissions_that_cover_a_required_one_are_used(held, used, expected):
    assert used_of(held, used) == expected


@pytest.mark.parametrize(
    ("hours", "used", "known"),
    [(24, ["index:read:*"], True), (23, ["index:read:*"], False), (24, [], False), (24, [""], False)],
)
def test_it_is_known_of_a_token_that_is_a_day_old_and_has_required_a_permission(hours, used, known):
    now = datetime(2026, 11, 28, tzinfo=UTC)
    assert is_known(now - timedelta(hours=hours), used, now) is known
