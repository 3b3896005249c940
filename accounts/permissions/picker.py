"""The permission picker: the catalogue as check boxes, the selection, and its summary sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts.permissions.catalogue import Permission, Resource, catalogue
from accounts.permissions.scopes import ANY, Scope, ScopeSet, parse

SEPARATORS = re.compile(r"[\s,;]+")
ONLY = "only:"
VERBS = {"admin": "administer"}
READING = frozenset(("read", "view"))
# Resources of Tessera itself; all others belong to the operator's product.
OWN_RESOURCES = frozenset(("account", "auditLog", "clients", "members", "organization", "tokens", "usage"))
PRESETS = {"read-only": "Read-only", "ci": "CI", "full": "Full access"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Ticked catalogue names, each with the identifiers it is limited to (none: all of them)."""

    ticked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def permissions(self) -> list[str]:
        """Return the selected scopes, as in the catalogue or limited to identifiers."""
        found: list[str] = []
        for name, identifiers in self.ticked.items():
            scope = parse(name)
            found += [str(scope._replace(identifier=only)) for only in identifiers] or [name]
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    """One check box. ``held`` are the identifiers its person may grant: ("*",) is any, () is none."""

    permission: Permission
    resource: Resource
    held: tuple[str, ...]
    ticked: bool
    only: str

    @property
    def name(self) -> str:
        return self.permission.name

    @property
    def can_narrow(self) -> bool:
        """Names in the dotted form are about the organization as a whole."""
        return ":" in self.name and self.permission.scope.identifier == ANY

    @property
    def verb(self) -> str:
        return verb_of(self.permission.scope)

    @property
    def object(self) -> str:
        return in_sentence(self.resource.label)

    @property
    def is_reading(self) -> bool:
        return self.permission.scope.action in READING

    @property
    def is_own(self) -> bool:
        return self.resource.name in OWN_RESOURCES

    @property
    def is_broad(self) -> bool:
        return is_broad(self.name)

    @property
    def held_only(self) -> str:
        """The identifiers that its person is limited to, or nothing."""
        return "" if ANY in self.held else " ".join(self.held)


@dataclass(frozen=True, slots=True)
class Group:
    """The check boxes of one resource."""

    resource: Resource
    choices: tuple[Choice, ...]

    @property
    def is_own(self) -> bool:
        return self.resource.name in OWN_RESOURCES

    @property
    def has_levels(self) -> bool:
        """Whether its person may grant both reading and more than reading."""
        return len({choice.is_reading for choice in self.choices if choice.held}) == 2


def read(chosen: Iterable[str], only: Mapping[str, str]) -> Selection:
    """Return the selection of a form or a query string; a scope with an identifier ticks its box.

    ``only`` maps catalogue names to identifiers as typed, separated by spaces or commas.
    """
    names = {permission.name for resource in catalogue().resources for permission in resource.permissions}
    boxes = {parse(name): name for name in names}
    ticked: dict[str, tuple[str, ...]] = {}
    unknown: list[str] = []
    for text in dict.fromkeys(chosen):
        box, identifier = _box_of(text, names, boxes)
        if box is None:
            unknown.append(text)
            continue
        typed = [part for part in SEPARATORS.split(only.get(box, "")) if part]
        more = [identifier] if identifier else typed
        ticked[box] = tuple(dict.fromkeys((*ticked.get(box, ()), *more)))
    return Selection(ticked, tuple(unknown))


def _box_of(text: str, names: set[str], boxes: dict[Scope, str]) -> tuple[str | None, str]:
    if text in names:
        return text, ""
    try:
        scope = parse(text)
    except ValueError:
        return None, ""
    box = boxes.get(scope._replace(identifier=ANY))
    return box, "" if scope.identifier == ANY else scope.identifier


def well_formed(selection: Selection) -> list[str]:
    """Return the permissions for the sentence while the form still has errors."""
    wrong = set(malformed(selection))
    kept = {
        name: tuple(only for only in identifiers if only not in wrong)
        for name, identifiers in selection.ticked.items()
    }
    return Selection(kept).permissions


def malformed(selection: Selection) -> list[str]:
    """Return the identifiers that no permission can have, because of their characters or length."""
    wrong = []
    for name, identifiers in selection.ticked.items():
        for only in identifiers:
            try:
                parse(str(parse(name)._replace(identifier=only)))
            except ValueError:
                wrong.append(only)
    return wrong


def preset(name: str, scopes: ScopeSet) -> Selection:
    """Return a preset within the user's own permissions; an unknown name selects nothing."""
    ticked = {}
    for group in groups(scopes, Selection()):
        for choice in group.choices:
            wanted = {
                "read-only": choice.is_reading,
                "ci": not choice.is_own and not choice.is_broad,
                "full": True,
            }.get(name, False)
            if wanted and choice.held:
                ticked[choice.name] = () if ANY in choice.held else choice.held
    return Selection(ticked)


def groups(scopes: ScopeSet, selection: Selection) -> list[Group]:
    """Return the whole catalogue, with the selection and what the user may grant; Tessera's own come last."""
    return [
        Group(
            resource,
            tuple(
                Choice(
                    permission,
                    resource,
                    held=_held(scopes, permission.scope),
                    ticked=permission.name in selection.ticked,
                    only=" ".join(selection.ticked.get(permission.name, ())),
                )
                for permission in resource.permissions
            ),
        )
        for resource in sorted(catalogue().resources, key=lambda resource: resource.name in OWN_RESOURCES)
    ]


def _held(scopes: ScopeSet, wanted: Scope) -> tuple[str, ...]:
    """Return the identifiers for which a user holds a permission."""
    if scopes.allows(str(wanted)):
        return (ANY,)
    identifiers = sorted({held.identifier for held in scopes.parsed})
    return tuple(only for only in identifiers if scopes.allows(str(wanted._replace(identifier=only))))


def is_broad(text: str) -> bool:
    """Whether a permission covers all resources or actions, or lets its holder grant permissions."""
    scope = parse(text)
    own = scope.resource in OWN_RESOURCES and scope.action == "manage"
    return ANY in (scope.resource, scope.action) or scope.action == "admin" or own


def verb_of(scope: Scope) -> str:
    return VERBS.get(scope.action, scope.action)


def in_sentence(label: str) -> str:
    """``Indexes`` becomes ``indexes``; ``API tokens`` keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def sentence(permissions: Iterable[str], subject: str = "This token") -> str:
    """``This token can view and manage API tokens, read indexes (only 42), and nothing else.``

    permissions.js says the same while boxes are being ticked.
    """
    labels = {resource.name: in_sentence(resource.label) for resource in catalogue().resources}
    verbs: dict[tuple[str, str], list[str]] = {}
    only: dict[tuple[str, str], list[str]] = {}
    for scope in map(parse, permissions):
        only.setdefault((scope.resource, verb_of(scope)), []).append(scope.identifier)
    for (resource, verb), identifiers in only.items():
        suffix = "" if ANY in identifiers else f" (only {', '.join(identifiers)})"
        verbs.setdefault((labels.get(resource, resource), suffix), []).append(verb)
    parts = [f"{_joined(found)} {label}{suffix}" for (label, suffix), found in verbs.items()]
    if not parts:
        return f"{subject} can do nothing yet. Choose what it may do."
    return f"{subject} can {', '.join(parts)}, and nothing else."


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
