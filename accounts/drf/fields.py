"""Serializers and fields of JSON bodies: exact types, camelCase names, no unknown field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.validation import addresses, metadata, networks
from accounts.validation.text import LINE_PATTERN, NAME_PATTERN, validate_line, validate_lines, validate_name

MOST_UNKNOWN = 20
LONGEST_UNKNOWN = 100
# How many wrong items of one list are reported, so that the response stays small.
MOST_ITEM_ERRORS = 10


def instant(moment: datetime | None) -> str | None:
    """ISO 8601, UTC, milliseconds, ``Z``."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Instant(serializers.DateTimeField):
    def to_representation(self, value: datetime) -> str:
        return instant(value) or ""


class Moment(Instant):
    """A time in a request, with its offset from UTC."""

    default_error_messages = {"naive": "Give the offset from UTC, as in 2026-11-16T14:03:22Z."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class String(serializers.CharField):
    """A JSON string; any other type is an error, and not converted."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)


class Text(String):
    """One line of text. ``pattern`` is the part of the rule that the OpenAPI document names."""

    pattern = LINE_PATTERN

    line_validator = staticmethod(validate_line)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(self.line_validator)


class Lines(Text):
    """Text that may have several lines."""

    pattern = ""

    line_validator = staticmethod(validate_lines)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data.replace("\r\n", "\n"))


class Name(Text):
    """The name of a person or thing, which may be part of an email."""

    pattern = NAME_PATTERN

    line_validator = staticmethod(validate_name)


class Secret(String):
    """A text that keeps its surrounding spaces."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)


class Email(Text):
    """One address, in its stored form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": addresses.LONGEST, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        return addresses.cleaned(super().to_internal_value(data))


class WholeNumber(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class BoundedList(serializers.ListField):
    """A list whose length is checked before its items; DRF checks it afterwards."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > (self.max_length or 0):
            self.fail("max_length", max_length=self.max_length)
        found: list[Any] = super().to_internal_value(data)
        return found

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        with _few_errors():
            found: list[Any] = super().run_child_validation(data)
        return found


class Networks(BoundedList):
    """IP addresses and CIDR networks, normalized."""

    child = String(max_length=networks.LONGEST)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=networks.MOST, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        texts = super().to_internal_value(data)
        try:
            return networks.normalized(texts)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


class BoundedDict(serializers.DictField):
    """An object of unknown keys: their number and length are checked before its values."""

    default_error_messages = {
        "max_length": "At most {max_length} entries.",
        "key_too_long": "A key has at most {longest_key} characters.",
    }

    def __init__(self, *, max_length: int, longest_key: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length, self.longest_key = max_length, longest_key

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            if len(data) > self.max_length:
                self.fail("max_length", max_length=self.max_length)
            if any(len(key) > self.longest_key for key in data):
                self.fail("key_too_long", longest_key=self.longest_key)
        found: dict[str, Any] = super().to_internal_value(data)
        return found

    def run_child_validation(self, data: Mapping[str, Any]) -> dict[str, Any]:
        with _few_errors():
            found: dict[str, Any] = super().run_child_validation(data)
        return found


class Metadata(BoundedDict):
    """An object of strings, which replaces the stored one as a whole."""

    child = String(max_length=metadata.LONGEST_VALUE, allow_blank=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=metadata.MOST, longest_key=metadata.LONGEST_NAME, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        try:
            return metadata.normalized(data)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


@contextmanager
def _few_errors() -> Iterator[None]:
    try:
        yield
    except ValidationError as problem:
        if isinstance(problem.detail, dict):
            raise ValidationError(dict(islice(problem.detail.items(), MOST_ITEM_ERRORS))) from None
        raise


class CamelCase(serializers.Serializer[Any]):
    """Fields are declared in snake_case and serialized in camelCase."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = {}
        for name, field in super().get_fields().items():
            if field.source is None and camel(name) != name:
                field.source = name
            fields[camel(name)] = field
        return fields


class Query(serializers.Serializer[Any]):
    """A query string, read as strictly as a body: an empty value counts, and a repeated one is an error."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, QueryDict):
            if repeated := [name for name in data if name in self.fields and len(data.getlist(name)) > 1]:
                raise ValidationError({name: ["Give this parameter once."] for name in repeated})
            data = data.dict()
        found: dict[str, Any] = super().to_internal_value(data)
        return found


class StrictSerializer(CamelCase):
    """A request body, in which an unknown field is an error."""

    unknown = "There is no such field."

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        strangers = [name for name in data if name not in self.fields][:MOST_UNKNOWN]
        errors: dict[str, Any] = {name[:LONGEST_UNKNOWN]: [self.unknown] for name in strangers}
        try:
            found = super().to_internal_value(data)
        except ValidationError as problem:
            errors = {**errors, **cast(dict[str, Any], problem.detail)}
        if errors:
            raise ValidationError(errors)
        return found

    def checked(self, is_taken: Callable[[str], bool], sentence: str) -> dict[str, Any]:
        """The values. Raises ValidationError with all field errors of a wrong body, its taken name included.

        The name of a right body is left to the flow, which asks for it under its lock.
        """
        if not self.is_valid():
            name = self.initial_data.get("name")
            taken = isinstance(name, str) and "name" not in self.errors and is_taken(name)
            raise ValidationError({**self.errors, **({"name": [sentence]} if taken else {})})
        return dict(self.validated_data)


def camel(name: str) -> str:
    """``last_used_ip`` is ``lastUsedIp``."""
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))
