"""No body costs much to refuse: a list is counted before its items are read, and every refusal is small."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import get_resolver
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from accounts.drf.exception_handler import api_error_of
from accounts.drf.fields import MOST_ITEM_ERRORS, BoundedDict, BoundedList, StrictSerializer
from tokens.api.token_serializers import PermissionText
from tokens.models import MOST_PERMISSIONS

APPS = ("accounts", "tokens", "config")
MANY = ["!"] * 190_000
LARGEST_REFUSAL = 4_000
HOSTILE: dict[str, Any] = {
    "a long list": MANY,
    "a list of wrong items": [{}] * 50,
    "an object of many keys": dict.fromkeys(map(str, range(100_000)), 1),
    "an object with a long key": {"x" * 900_000: 1},
    "an object of wrong values": {key: [] for key in map(str, range(50))},
    "a long text": "!" * 900_000,
}


def read_by_endpoints() -> set[str]:
    """The names of the serializers that a view gives its request's body to."""
    sources = [path.read_text() for app in APPS for path in Path(settings.BASE_DIR, app).rglob("*.py")]
    return {name for source in sources for name in re.findall(r"(\w+)\(\s*data=request\.data", source)}


def serializer_types(base: type[Any]) -> Iterator[type[Any]]:
    for found in base.__subclasses__():
        yield found
        yield from serializer_types(found)


def bodies() -> list[type[Any]]:
    assert get_resolver().url_patterns  # The views are imported, and their serializers with them.
    read = read_by_endpoints()
    every = set(serializer_types(serializers.Serializer))
    found = {one for one in every if one.__name__ in read or issubclass(one, StrictSerializer)}
    assert read <= {one.__name__ for one in found}
    return sorted(found, key=lambda body: body.__name__)


def inside(field: Any) -> Iterator[Any]:
    yield field
    for child in [*getattr(field, "fields", {}).values(), getattr(field, "child", None)]:
        if child is not None:
            yield from inside(child)


BODIES = bodies()
UNBOUNDED = (
    serializers.ListField,
    serializers.DictField,
    serializers.JSONField,
    serializers.ListSerializer,
    serializers.MultipleChoiceField,
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_list_of_every_body_is_bounded(body: type[Any]) -> None:
    for field in inside(body()):
        if isinstance(field, UNBOUNDED):
            assert isinstance(field, BoundedList | BoundedDict), field
            assert field.max_length


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_refusal_of_a_field_is_small(body: type[Any]) -> None:
    for field in body().fields:
        for what, value in HOSTILE.items():
            with pytest.raises(ValidationError) as problem:
                body(data={field: value}).is_valid(raise_exception=True)
            refused = api_error_of(problem.value)
            assert refused is not None
            assert len(json.dumps(refused.extra)) < LARGEST_REFUSAL, (field, what)


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("post", "/api/v1/tokens", "permissions"),
        ("post", "/api/v1/clients", "scopes"),
        ("patch", "/api/v1/organization", "emailDomains"),
        ("patch", "/api/v1/organization", "allowedAddresses"),
    ],
)
def test_a_long_list_is_refused_without_a_look_at_its_items(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, method: str, path: str, field: str
) -> None:
    looked_at: list[Any] = []
    monkeypatch.setattr(serializers.CharField, "run_validation", lambda _, data: looked_at.append(data))
    response = getattr(api, method)(path, {field: MANY}, format="json")
    assert response.status_code == 400
    assert len(response.content) < LARGEST_REFUSAL
    assert response.json()["fields"][field]
    assert "!" not in looked_at


def test_as_many_as_the_bound_are_taken_and_few_errors_are_told() -> None:
    field = BoundedList(child=PermissionText(), max_length=MOST_PERMISSIONS)
    assert len(field.run_validation(["index:read:*"] * MOST_PERMISSIONS)) == MOST_PERMISSIONS
    with pytest.raises(ValidationError, match="no more than"):
        field.run_validation(["index:read:*"] * (MOST_PERMISSIONS + 1))
    with pytest.raises(ValidationError) as problem:
        field.run_validation(["!"] * MOST_PERMISSIONS)
    assert list(problem.value.detail) == list(range(MOST_ITEM_ERRORS))
