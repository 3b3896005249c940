"""The fields of a form that choose when a token expires."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django import forms

from accounts.models import Organization
from tokens.models import MAX_DAYS
from tokens.service_accounts import expiry


class WithExpiration(forms.Form):
    """A form that chooses an expiry from ``now`` on, within the organization's policy."""

    expiration = forms.ChoiceField(
        error_messages={
            "required": "Choose when the token expires.",
            "invalid_choice": "Choose one of the list.",
        },
    )
    expires_on = forms.DateField(
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date as year-month-day, for example 2027-03-31."},
    )

    # Choices besides those of a new token.
    further_choices: tuple[str, ...] = ()

    def __init__(self, *args: Any, organization: Organization, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        self.now = now
        # Also offered if the policy forbids it, because the flow explains that better than "not on the list".
        offered = (*expiry.choices(organization), expiry.NEVER, *self.further_choices)
        expiration = cast(forms.ChoiceField, self.fields["expiration"])
        expiration.choices = [(value, value) for value in offered]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("expiration") == expiry.CUSTOM and "expires_on" not in self.errors:
            self._check_date(found.get("expires_on"))
        return found

    def _check_date(self, day: date | None) -> None:
        first, last = expiry.first_day(self.now), expiry.last_day(self.organization, self.now)
        most = expiry.longest(self.organization)
        lifetime = "a year" if most == MAX_DAYS else f"{most} day{'s' if most > 1 else ''} here"
        if day is None:
            self.add_error("expires_on", "Choose the date on which the token expires.")
        elif not first <= day <= last:
            self.add_error(
                "expires_on", f"Choose a date from {first} to {last}: the longest lifetime is {lifetime}."
            )

    @property
    def days(self) -> int | None:
        """The days until the expiry, or None for no expiry."""
        chosen = self.cleaned_data["expiration"]
        if chosen == expiry.NEVER:
            return None
        if chosen == expiry.CUSTOM:
            return expiry.days_until(self.cleaned_data["expires_on"], self.now)
        return int(chosen)


def expiration_context(organization: Organization, now: datetime) -> dict[str, Any]:
    """Return what ``parts/expiration.html`` shows besides the form."""
    return {
        "expirations": expiry.presets(organization, now),
        "first_day": expiry.first_day(now).isoformat(),
        "last_day": expiry.last_day(organization, now).isoformat(),
        "longest": expiry.longest(organization),
        "never_expiring_allowed": organization.endless_tokens_allowed,
    }
