"""The form that narrows a token: fewer of its permissions, and an earlier expiry."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.http import QueryDict

from accounts.errors import APIError
from tokens.models import MAX_DAYS, ServiceAccountToken
from tokens.service_accounts.update import Changes

NOTHING = "Untick a permission, or choose an earlier expiry."


class NarrowForm(forms.Form):
    """Its boxes are the token's permissions as they were granted; the ticked ones stay."""

    permissions = forms.MultipleChoiceField(
        error_messages={
            "required": "Keep at least one permission. To end the token, revoke it.",
            "invalid_choice": "The token does not hold %(value)s any more.",
        }
    )
    expires_on = forms.DateField(
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as year-month-day, for example 2027-03-31."},
    )

    def __init__(
        self, data: QueryDict | None, *, token: ServiceAccountToken, now: datetime, kept: Collection[str] = ()
    ) -> None:
        """Without data, the boxes of ``kept`` are ticked, or all if it names none of them."""
        ticked = [text for text in token.permissions if text in kept]
        super().__init__(data, initial={"permissions": ticked or token.permissions})
        self.token = token
        self.first_day = now.astimezone(UTC).date() + timedelta(days=1)
        self.last_day = _last_day(token, now)
        boxes = cast(forms.MultipleChoiceField, self.fields["permissions"])
        boxes.choices = [(text, text) for text in token.permissions]

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and not self.first_day <= day <= self.last_day:
            raise forms.ValidationError(f"Choose a date from {self.first_day} to {self.last_day}.")
        return day

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.changes:
            raise forms.ValidationError(NOTHING)
        return found

    @property
    def kept(self) -> list[str]:
        return list(self.cleaned_data["permissions"])

    @property
    def removed(self) -> list[str]:
        return [text for text in self.token.permissions if text not in self.kept]

    @property
    def expires_at(self) -> datetime | None:
        """The new expiry, or None if it stays."""
        day = self.cleaned_data["expires_on"]
        return datetime.combine(day, time(), UTC) if day else None

    @property
    def changes(self) -> Changes:
        """The arguments of ``update``."""
        found: Changes = {}
        if self.removed:
            found["permissions"] = self.kept
        if self.expires_at is not None:
            found["expires_at"] = self.expires_at
        return found

    def add_refusal(self, exc: APIError) -> None:
        """Add a refusal, of a token that was changed after the page was shown, as errors of its fields."""
        for field, sentences in exc.extra.get("fields", {"": [exc.error.message]}).items():
            for sentence in sentences:
                self.add_error({"expiresAt": "expires_on"}.get(field, field) or None, sentence)


def _last_day(token: ServiceAccountToken, now: datetime) -> date:
    """Return the last day whose beginning in UTC is before the expiry."""
    end = token.expires_at or now + timedelta(days=MAX_DAYS)
    return (end - timedelta(microseconds=1)).astimezone(UTC).date()
