"""Permissions: the grammar of both forms, what covers what, and sets of grants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.permissions.scopes import IMPLIED_BY, MAX_LENGTH, Scope, ScopeSet, covers, parse

WORD = st.text("abcXYZ019_-", min_size=1, max_size=12)
SEGMENT = WORD | st.just("*")
ACTION = st.sampled_from(["read", "write", "admin", "view", "manage", "configure", "*"])
SCOPE = st.builds(Scope, SEGMENT, ACTION, SEGMENT)

COVERED = [
    ("index:read:*", "index:read:shop-12"),
    ("index:write:shop-12", "index:read:shop-12"),
    ("index:admin:*", "index:write:*"),
    ("index:admin:*", "index:read:*"),
    ("tokens.manage", "tokens.view"),
    ("tokens:manage:*", "tokens.view"),
    ("tokens.view", "tokens:view:*"),
    ("*:*:*", "anything:at-all:here"),
    ("*:*:*", "*:*:*"),
    ("*:read:*", "index:read:shop-12"),
    ("*:write:*", "events:read:*"),
    ("index:*:*", "index:configure:*"),
]
NOT_COVERED = [
    ("index:read:shop-12", "index:read:shop-13"),
    ("index:read:shop-12", "index:read:*"),
    ("index:read:*", "index:write:*"),
    ("index:write:*", "index:admin:*"),
    ("index:admin:*", "index:*:*"),
    ("index:admin:*", "index:view:*"),
    ("index:manage:*", "index:read:*"),
    ("index:read:*", "events:read:*"),
    ("index:read:*", "*:read:*"),
    ("index:*:*", "*:*:*"),
    ("tokens.view", "tokens.manage"),
    ("tokens.view", "token.view"),
    ("tokens.view", "Tokens.view"),
]


@pytest.mark.parametrize(("granted", "wanted"), COVERED)
def test_a_grant_covers_what_it_names(granted: str, wanted: str) -> None:
    assert covers(parse(granted), parse(wanted))


@pytest.mark.parametrize(("granted", "wanted"), NOT_COVERED)
def test_a_grant_covers_nothing_else(granted: str, wanted: str) -> None:
    assert not covers(parse(granted), parse(wanted))


@given(SCOPE)
def test_every_scope_reads_as_it_is_written_and_covers_itself(scope: Scope) -> None:
    assert parse(str(scope)) == scope
    assert covers(scope, scope)
    assert covers(parse("*:*:*"), scope)


@given(SCOPE, SCOPE, SCOPE)
def test_whoever_grants_on_cannot_grant_more(one: Scope, other: Scope, third: Scope) -> None:
    if covers(one, other) and covers(other, third):
        assert covers(one, third)


@given(SCOPE, SCOPE)
def test_two_grants_cover_each_other_only_where_they_are_the_same(one: Scope, other: Scope) -> None:
    if covers(one, other) and covers(other, one):
        assert one == other


@given(SCOPE, WORD, ACTION, WORD)
def test_a_star_wanted_is_covered_only_where_everything_below_it_is(
    granted: Scope, resource: str, action: str, identifier: str
) -> None:
    if covers(granted, Scope("*", action, "*")):
        assert covers(granted, Scope(resource, action, identifier))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tokens",
        "tokens:view",
        "tokens:view:*:x",
        "tokens..view",
        "tokens.view.x",
        ".view",
        "tokens.",
        "*.view",
        "tokens.*",
        "a*:view:*",
        "tokens:view:",
        "tokens:view:a b",
        "tokens.view ",
        " tokens.view",
        "tokens.view\n",
        "tokens:view:*\n",
        "tökens.view",
        "tokens:view:１",
        "tokens:view:\x00",
        "a" * MAX_LENGTH + ".view",
    ],
)
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        parse(text)


@given(st.text(max_size=30))
def test_no_text_is_another_error(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        assert ScopeSet.of(["*:*:*"]).texts == ("*:*:*",)


def test_the_longest_permission_is_read() -> None:
    text = "a" * (MAX_LENGTH - 5) + ".view"
    assert str(parse(text)) == text.replace(".", ":") + ":*"


def test_a_set_repeats_what_was_granted_in_its_form_and_order() -> None:
    granted = ScopeSet.of(["tokens.view", "index:read:*", "tokens.view", "tokens:view:*"])
    assert granted.texts == ("tokens.view", "index:read:*", "tokens:view:*")


def test_a_set_tells_what_is_missing_in_its_order() -> None:
    granted = ScopeSet.of(["index:write:*", "tokens.view"])
    wanted = ["tokens.manage", "index:read:a", "events:read:*"]
    assert granted.missing(wanted) == ["tokens.manage", "events:read:*"]


def test_grants_are_not_added_up_to_a_wildcard() -> None:
    granted = ScopeSet.of([f"index:{action}:*" for action in ("read", "write", "admin", "view", "manage")])
    assert not granted.allows("index:*:*")


def test_an_empty_set_allows_nothing() -> None:
    assert not ScopeSet.of([]).allows("tokens.view")


def test_an_action_is_always_implied_by_itself() -> None:
    assert all(action in implying for action, implying in IMPLIED_BY.items())
