"""The catalogue of permissions: nested roles, and a file that an operator may replace."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from accounts.permissions.catalogue import EVERYTHING, catalogue, role_scopes
from accounts.permissions.roles import Role
from accounts.permissions.scopes import parse

OWN = """
[[resource]]
name = "orders"
label = "Orders"
permissions = [
    { name = "orders.view", description = "See orders", roles = ["viewer", "member", "admin"] },
    { name = "orders.manage", description = "Change orders", roles = ["admin"] },
]
"""
BROKEN = {
    "no TOML": "[[resource",
    "no resources": "title = 'x'",
    "resources that are no tables": "resource = ['orders']",
    "a resource without a label": OWN.replace('label = "Orders"', ""),
    "a permission without a description": OWN.replace('description = "See orders", ', ""),
    "a role that does not exist": OWN.replace('"viewer"', '"king"'),
    "a malformed permission": OWN.replace('"orders.view"', '"orders view"'),
    "another resource's permission": OWN.replace('"orders.view"', '"tokens.view"'),
    "not UTF-8": "\udcff",
}


def everything_listed() -> list[str]:
    return [one.name for resource in catalogue().resources for one in resource.permissions]


def test_each_role_holds_all_that_the_next_lower_one_holds() -> None:
    for higher, lower in pairwise(Role):
        assert higher.outranks(lower)
        assert not lower.outranks(higher)
        assert role_scopes(higher).missing(role_scopes(lower).texts) == [], (higher, lower)
        assert role_scopes(lower).missing(role_scopes(higher).texts), (higher, lower)


def test_an_owner_holds_everything() -> None:
    assert role_scopes("owner").texts == (EVERYTHING,)
    assert role_scopes("owner").missing(everything_listed()) == []


def test_a_viewer_manages_nothing() -> None:
    changing = [name for name in everything_listed() if parse(name).action in ("manage", "write", "admin")]
    assert changing
    assert role_scopes("viewer").missing(changing) == changing


def test_a_role_that_does_not_exist_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="king"):
        role_scopes("king")


@pytest.mark.parametrize(
    "text", ["tokens.view", "index:read:shop-12", "index:*:*", "*:read:*", "*:*:*", "index:admin:*"]
)
def test_the_catalogue_knows_what_covers_one_of_its_permissions(text: str) -> None:
    assert catalogue().knows(parse(text))


@pytest.mark.parametrize("text", ["token.view", "tokens.fly", "*:fly:*", "index:configure:*", "orders.view"])
def test_the_catalogue_does_not_know_the_rest(text: str) -> None:
    assert not catalogue().knows(parse(text))


def test_every_permission_is_listed_once_and_described() -> None:
    names = everything_listed()
    assert len(names) == len(set(names))
    assert all(one.description for resource in catalogue().resources for one in resource.permissions)


@pytest.fixture
def own_file(settings: Settings, tmp_path: Path) -> Path:
    file = tmp_path / "permissions.toml"
    file.write_text(OWN)
    settings.PERMISSIONS_FILE = str(file)
    return file


def test_an_operators_file_takes_the_place_of_the_examples(own_file: Path) -> None:
    assert everything_listed()[:2] == ["orders.view", "orders.manage"]
    assert "inventoryPlans.view" not in everything_listed()
    assert catalogue().resources[0].label == "Orders"
    assert role_scopes("viewer").allows("orders.view")
    assert not role_scopes("viewer").allows("orders.manage")
    assert role_scopes("admin").allows("orders.manage")
    assert role_scopes("owner").texts == (EVERYTHING,)


def test_tesseras_own_permissions_stay_when_an_operators_file_leaves_them_out(own_file: Path) -> None:
    assert {"tokens.view", "tokens.manage", "members.manage", "index:write:*"} <= set(everything_listed())
    assert role_scopes("admin").allows("tokens.manage")
    assert not role_scopes("member").allows("tokens.manage")


def test_an_operators_file_may_give_tesseras_permissions_to_other_roles(own_file: Path) -> None:
    own_file.write_text(
        OWN
        + """
[[resource]]
name = "tokens"
label = "Keys"
permissions = [{ name = "tokens.manage", description = "Make keys", roles = ["member", "admin"] }]
"""
    )
    assert role_scopes("member").allows("tokens.manage")
    tokens = next(one for one in catalogue().resources if one.name == "tokens")
    assert [(one.name, one.description) for one in tokens.permissions] == [
        ("tokens.view", "See API tokens and their usage"),
        ("tokens.manage", "Make keys"),
        ("tokens:rotate:self", "Rotate the API token itself"),
    ]
    assert tokens.label == "Keys"


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_names_the_setting_and_the_file(
    settings: Settings, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "permissions.toml"
    file.write_bytes(content.encode(errors="surrogateescape"))
    settings.PERMISSIONS_FILE = str(file)
    with pytest.raises(ImproperlyConfigured, match=rf"PERMISSIONS_FILE .*{file.name}"):
        catalogue()


def test_a_missing_file_names_the_setting(settings: Settings, tmp_path: Path) -> None:
    settings.PERMISSIONS_FILE = str(tmp_path / "nowhere.toml")
    with pytest.raises(ImproperlyConfigured, match="PERMISSIONS_FILE"):
        catalogue()
