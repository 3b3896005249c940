"""A permission is used if a call required something that it covers."""

from __future__ import annotations

import pytest

from tokens.service_accounts.permission_use import used_of


@pytest.mark.parametrize(
    ("held", "used", "expected"),
    [
        (["index:read:*", "events:read:*"], ["index:read:42"], ["index:read:*"]),
        (["index:write:*", "index:read:*"], ["index:read:*"], ["index:write:*", "index:read:*"]),
        (["index:read:41"], ["index:read:42"], []),
        (["index:read:*"], ["index:write:*"], []),
        (["tokens.manage", "usage.view"], ["tokens.view"], ["tokens.manage"]),
        (["*:*:*"], ["events:read:*"], ["*:*:*"]),
        (["*:*:*", "index:read:*"], ["other", ""], []),
        (["index:read:*"], [], []),
    ],
)
def test_permissions_that_cover_a_required_one_are_used(held, used, expected):
    assert used_of(held, used) == expected
