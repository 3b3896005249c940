"""The fields of a form that restrict and describe a token: its metadata and its own limits."""

from __future__ import annotations

from django import forms

from accounts.validation.form_fields import MetadataField
from tokens.models import MOST_REQUESTS

_FORM = f"Write a whole number from 1 to {MOST_REQUESTS}, or nothing."


class WithRestrictions(forms.Form):
    metadata = MetadataField()
    requests_per_day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_REQUESTS,
        error_messages={"invalid": _FORM, "min_value": _FORM, "max_value": _FORM},
    )
