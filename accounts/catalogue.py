"""The catalogue of permissions, read once from the file that PERMISSIONS_FILE names."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.roles import Role
from accounts.scopes import ANY, Scope, ScopeSet, covers, parse

EVERYTHING = "*:*:*"


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
    """What a role holds by itself; raises ValueError for a role that does not exist."""
    return catalogue().roles[Role(role)]


@lru_cache(maxsize=8)
def _read(path: str) -> Catalogue:
    """Raise ImproperlyConfigured, naming PERMISSIONS_FILE, when the file cannot be used."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        resources = tuple(_resource(entry) for entry in content["resource"])
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


def _resource(entry: dict[str, Any]) -> Resource:
    permissions = tuple(
        Permission(item["name"], item["description"], frozenset(map(Role, item["roles"])))
        for item in entry["permissions"]
    )
    for permission in permissions:
        if permission.scope.resource != entry["name"]:
            raise ValueError(f"{permission.name} does not belong under {entry['name']}")
    return Resource(entry["name"], entry["label"], permissions)
