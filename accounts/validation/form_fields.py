"""Form fields of texts that this folder validates."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.validation import networks

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
