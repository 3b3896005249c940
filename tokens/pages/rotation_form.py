"""The form that rotates a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms

from accounts import errors
from accounts.errors import APIError
from accounts.permissions.actor import Actor
from tokens.models import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS, ServiceAccountToken
from tokens.pages.expiration_form import WithExpiration
from tokens.pages.forms import WithNonce
from tokens.service_accounts import rotation
from tokens.service_accounts.expiry import Preset
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation_checks import UNCHANGED, Unchanged

KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Overlap:
    """When the old secret ends: after ``seconds``, or earlier, so long after the new one's first use."""

    label: str
    seconds: int
    after_first_use: int | None = None
    help: str = ""

    def end(self, now: datetime) -> datetime | None:
        """Return when the overlap ends, or None if it ends now or depends on the first use."""
        if not self.seconds or self.after_first_use is not None:
            return None
        return now + timedelta(seconds=self.seconds)


CHOSEN = str(OVERLAP_SECONDS)
OVERLAPS = {
    "0": Overlap("Now", 0, help="Every program that still uses it is refused from now on."),
    "3600": Overlap("After 1 hour", 3600),
    CHOSEN: Overlap("After 24 hours", OVERLAP_SECONDS),
    str(MAX_OVERLAP_SECONDS): Overlap("After 7 days", MAX_OVERLAP_SECONDS),
    "first-use": Overlap(
        "30 minutes after the first use of the new secret",
        MAX_OVERLAP_SECONDS,
        after_first_use=1800,
        help="After 7 days at the latest. It suits a program that gets the new secret in one deployment.",
    ),
}


class RotateForm(WithExpiration, WithNonce):
    further_choices = (KEEP,)

    overlap = forms.ChoiceField(
        choices=[(key, overlap.label) for key, overlap in OVERLAPS.items()],
        error_messages={
            "required": "Choose when the old secret ends.",
            "invalid_choice": "Choose one of the list.",
        },
    )

    @property
    def renewal(self) -> int | Unchanged | None:
        """The days until a new expiry, None for no expiry, or UNCHANGED."""
        return UNCHANGED if self.cleaned_data["expiration"] == KEEP else self.days

    def rotate(self, token: ServiceAccountToken, actor: Actor) -> Issued:
        """Rotate the token. Raises what ``rotate`` raises."""
        overlap = OVERLAPS[self.cleaned_data["overlap"]]
        return rotation.rotate(
            token=token,
            actor=actor,
            overlap_seconds=overlap.seconds,
            close_after_first_use_seconds=overlap.after_first_use,
            expires_in_days=self.renewal,
            idempotency_key=self.idempotency_key(actor),
        )

    def add_refusal(self, exc: APIError) -> int:
        """Add a refusal as errors of its fields, and return the status. Raises any other refusal."""
        if exc.error is errors.ORGANIZATION_SUSPENDED:
            self.add_error(None, exc.extra["detail"])
            return errors.FORBIDDEN.status
        if exc.error is not errors.INVALID_REQUEST:
            raise exc
        for sentences in exc.extra["fields"].values():
            for sentence in sentences:
                self.add_error("expiration", sentence)
        return 422


def keeping(token: ServiceAccountToken) -> Preset:
    """Return the choice that leaves the expiry as it is."""
    label = "Keep the present expiry" if token.expires_at else "Keep: no expiry"
    return Preset(KEEP, label, token.expires_at)


def first_values(parameters: Any, choices: list[str]) -> dict[str, str]:
    """Return the form's initial values from the query string. Invalid values get the default."""
    expiration, overlap = parameters.get("expires", ""), parameters.get("overlap", "")
    return {
        "expiration": expiration if expiration in choices else KEEP,
        "overlap": overlap if overlap in OVERLAPS else CHOSEN,
    }
