"""Form of a pause: why, and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.http import QueryDict

from accounts import dates
from accounts.errors import APIError
from accounts.validation.text import validate_line
from tokens.models import ServiceAccountToken
from tokens.service_accounts.pause import MOST_DAYS

OPEN, KEEP, DATE = "open", "keep", "custom"
LENGTHS = {
    "1h": ("For 1 hour", timedelta(hours=1)),
    "24h": ("For 24 hours", timedelta(hours=24)),
    "7d": ("For 7 days", timedelta(days=7)),
}


class PauseForm(forms.Form):
    """A paused token's present values are the initial ones."""

    end = forms.ChoiceField(
        error_messages={
            "required": "Choose when the pause ends.",
            "invalid_choice": "Choose one of the list.",
        }
    )
    ends_on = forms.DateField(
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as year-month-day, for example 2027-03-31."},
    )
    reason = forms.CharField(
        max_length=200,
        required=False,
        validators=[validate_line],
        error_messages={"max_length": "A reason has at most 200 characters."},
    )

    def __init__(self, data: QueryDict | None, *, token: ServiceAccountToken, now: datetime) -> None:
        self.is_change = token.is_paused(now)
        self.paused_until = token.paused_until if self.is_change else None
        initial = {
            "end": KEEP if self.paused_until else OPEN,
            "reason": token.paused_reason if self.is_change else "",
        }
        super().__init__(data, initial=initial)
        self.now = now
        cast(forms.ChoiceField, self.fields["end"]).choices = self.ends

    @property
    def ends(self) -> list[tuple[str, str]]:
        kept = [(KEEP, f"As now: {dates.day(self.paused_until)}")] if self.paused_until else []
        lengths = [(value, label) for value, (label, _) in LENGTHS.items()]
        return [*kept, (OPEN, "When it is resumed"), *lengths, (DATE, "On a date")]

    @property
    def first_day(self) -> date:
        return self.now.astimezone(UTC).date() + timedelta(days=1)

    @property
    def last_day(self) -> date:
        return self.now.astimezone(UTC).date() + timedelta(days=MOST_DAYS)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("end") == DATE and "ends_on" not in self.errors and found.get("ends_on") is None:
            self.add_error("ends_on", "Choose the date on which the pause ends.")
        return found

    @property
    def until(self) -> datetime | None:
        """The chosen end: of a date, its first moment in UTC."""
        chosen = self.cleaned_data["end"]
        if chosen in LENGTHS:
            return self.now + LENGTHS[chosen][1]
        if chosen == DATE:
            return datetime.combine(self.cleaned_data["ends_on"], time(), UTC)
        return self.paused_until if chosen == KEEP else None

    def add_refusal(self, exc: APIError) -> None:
        """Add the sentence of a refused end to the field that chose it."""
        field = "ends_on" if self.cleaned_data["end"] == DATE else "end"
        self.add_error(field, exc.extra["fields"]["until"])
