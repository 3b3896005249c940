"""Form fields of texts that this folder validates."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.validation import metadata, networks

_APART = re.compile(r"[\s,;]+")


class NetworksField(forms.CharField):
    """IP addresses and networks, one on each line. Its value is the normalized list."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=networks.MOST * (networks.LONGEST + len("\r\n")),
            error_messages={"max_length": networks.TOO_MANY},
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        text = super().clean(self.prepare_value(value))
        try:
            return networks.normalized([entry for entry in _APART.split(text) if entry])
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), self.prepare_value(data))


class MetadataRows(forms.Widget):
    """Rows of two inputs: the repeated fields ``metadata_name`` and ``metadata_value``."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[tuple[str, str]]:
        names, values = data.getlist(f"{name}_name"), data.getlist(f"{name}_value")
        return [(key.strip(), value.strip()) for key, value in zip_longest(names, values, fillvalue="")]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}_name" not in data


class MetadataField(forms.Field):
    """Metadata as rows of a name and a value. Its value is the object; rows without a name are errors."""

    widget = MetadataRows
    # Empty rows that a page shows below the others.
    empty_rows = 2

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> list[tuple[str, str]]:
        """Return the rows to show: those that are filled, and some empty ones while there may be more."""
        rows = list(value.items()) if isinstance(value, dict) else value or []
        filled = [row for row in rows if any(row)]
        return filled + [("", "")] * min(self.empty_rows, max(0, metadata.MOST - len(filled)))

    def clean(self, value: Any) -> dict[str, str]:
        rows = [row for row in value or () if any(row)]
        names = [name for name, _ in rows]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise ValidationError(f"“{repeated[: metadata.LONGEST_NAME]}” is there twice. Names are unique.")
        try:
            return metadata.normalized(dict(rows))
        except ValueError as problem:
            raise ValidationError(str(problem)) from None
