"""Filters of the admin's lists: by state, and by organization or user."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import typeid
from accounts.models import Organization, User


class StateFilter(admin.SimpleListFilter):
    """One of several states by name; ``states`` gives the condition of each."""

    title = "status"
    parameter_name = "status"

    def states(self, now: datetime) -> Mapping[str, tuple[str, Q]]:
        """Return label and condition by query parameter."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.states(timezone.now()).items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.states(timezone.now()).get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class GivenFilter(admin.SimpleListFilter):
    """The rows of the object in the query string; hidden without it."""

    def label(self, value: str) -> str:
        return value

    def condition(self, value: str) -> Q:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        return [(value, self.label(value))] if value else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(self.condition(value)) if value else queryset


class OfOrganization(GivenFilter):
    title = "organization"
    parameter_name = "organization"

    def label(self, value: str) -> str:
        return str(Organization.objects.filter(pk=uuid_of("org", value)).first() or "Unknown organization")

    def condition(self, value: str) -> Q:
        return Q(organization=uuid_of("org", value))


class OfPerson(GivenFilter):
    """By the user's public id; ``paths`` are the fields that may name them."""

    title = "person"
    parameter_name = "person"
    paths: ClassVar[tuple[str, ...]] = ("user",)

    def label(self, value: str) -> str:
        return str(User.objects.filter(pk=uuid_of("usr", value)).first() or "Unknown person")

    def condition(self, value: str) -> Q:
        found = Q()
        for path in self.paths:
            found |= Q(**{path: uuid_of("usr", value)})
        return found


def uuid_of(prefix: str, public_id: str) -> UUID:
    try:
        return typeid.decode(prefix, public_id)
    except ValueError as error:
        raise IncorrectLookupParameters from error
