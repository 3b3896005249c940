"""The catalogue of permissions: Tessera's own, and those of the file that PERMISSIONS_FILE names."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.permissions.roles import Role
from accounts.permissions.scopes import ANY, Scope, ScopeSet, covers, parse

EVERYTHING = "*:*:*"
OWN_FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True, slots=True)
class Permission:
    name: str
    description: str
    roles: frozenset[Role]

    @property
    def scope(self) -> Scope:
        return parse(self.name)


@dataclass(frozen=True, slots=True)
class Resource:
    name: str
    label: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    resources: tuple[Resource, ...]
    roles: dict[Role, ScopeSet]

    def knows(self, scope: Scope) -> bool:
        """Whether the scope names a resource and an action that exist, whatever its identifier."""
        anywhere = Scope(scope.resource, scope.action, ANY)
        return any(
            covers(anywhere, permission.scope)
            for resource in self.resources
            for permission in resource.permissions
        )


def catalogue() -> Catalogue:
    return _read(str(settings.PERMISSIONS_FILE))


def role_scopes(role: str) -> ScopeSet:
    """Return the scopes of a role; raises ValueError for an unknown role."""
    return catalogue().roles[Role(role)]


@lru_cache(maxsize=8)
def _read(path: str) -> Catalogue:
    """Raise ImproperlyConfigured, naming PERMISSIONS_FILE, when the file cannot be used."""
    try:
        resources = _merge(own=_resources(OWN_FILE), added=_resources(Path(path)))
    except (OSError, KeyError, TypeError, ValueError) as problem:
        raise ImproperlyConfigured(f"PERMISSIONS_FILE {path} cannot be used: {problem!r}") from problem
    held = {
        role: ScopeSet.of(
            permission.name
            for resource in resources
            for permission in resource.permissions
            if role in permission.roles
        )
        for role in Role
    }
    return Catalogue(resources, held | {Role.OWNER: ScopeSet.of([EVERYTHING])})


def _merge(*, own: tuple[Resource, ...], added: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The operator's resources, then Tessera's own.

    A permission of Tessera's that the operator's file names gets that file's description and roles; one that
    it leaves out stays as it is, so that no file can take ``tokens.manage`` from admins by omission.
    """
    changed = {resource.name: resource for resource in added}
    names = {resource.name for resource in own}
    kept = tuple(_override(resource, changed.get(resource.name)) for resource in own)
    return (*(resource for resource in added if resource.name not in names), *kept)


def _override(own: Resource, other: Resource | None) -> Resource:
    if other is None:
        return own
    permissions = {one.name: one for one in (*own.permissions, *other.permissions)}
    return Resource(own.name, other.label, tuple(permissions.values()))


def _resources(path: Path) -> tuple[Resource, ...]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_resource(entry) for entry in content["resource"])


def _resource(entry: dict[str, Any]) -> Resource:
    permissions = tuple(
        Permission(item["name"], item["description"], frozenset(map(Role, item["roles"])))
        for item in entry["permissions"]
    )
    for permission in permissions:
        if permission.scope.resource != entry["name"]:
            raise ValueError(f"{permission.name} does not belong under {entry['name']}")
    return Resource(entry["name"], entry["label"], permissions)
