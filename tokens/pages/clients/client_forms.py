"""Forms of OAuth clients: creation, change, secret rotation, deletion."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts import errors
from accounts.errors import APIError
from accounts.permissions.actor import Actor
from accounts.validation.text import validate_name
from ratelimit import limiter
from ratelimit.types import DAY_SECONDS, FixedWindow
from tokens.models import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS
from tokens.models.client import RefreshAuth
from tokens.oauth.clients import MANAGE
from tokens.pages.forms import RevokeForm, WithPermissions

REFRESH_WORDS = {
    RefreshAuth.REQUIRED.value: "The client secret",
    RefreshAuth.ROTATION_ONLY.value: "The client id alone",
}
OVERLAPS = {
    str(OVERLAP_SECONDS): "24 hours",
    "0": "None: the old secret ends now",
    "3600": "1 hour",
    str(MAX_OVERLAP_SECONDS): "7 days",
}


class OnceForm(forms.Form):
    """A form whose response shows a secret. Its nonce prevents a second submission."""

    nonce = forms.CharField(max_length=64, required=False)

    def is_first(self, actor: Actor) -> bool:
        """Return whether the form was not submitted before, and mark it as submitted."""
        nonce = self.cleaned_data["nonce"]
        if not nonce:
            return True
        return limiter.hit_window(FixedWindow("form", f"form:{actor.id}:{nonce}", 1, DAY_SECONDS))[0]


class ClientForm(WithPermissions):
    holder = "A client"

    name = forms.CharField(
        max_length=100,
        validators=[validate_name],
        error_messages={
            "required": "Give the client a name.",
            "max_length": "A name has at most 100 characters.",
        },
    )
    refresh_auth = forms.ChoiceField(
        choices=RefreshAuth.choices,
        error_messages={
            "required": "Choose how the client refreshes.",
            "invalid_choice": "Choose one of the list.",
        },
    )

    @property
    def values(self) -> dict[str, Any]:
        """Arguments of ``clients.create`` and ``clients.update``."""
        found = self.cleaned_data
        return {
            "name": found["name"],
            "refresh_auth": found["refresh_auth"],
            "scopes": found["permissions"],
        }

    def add_refusal(self, exc: APIError) -> int:
        """Add a refusal as errors of its fields, and return the status. Raises any other refusal."""
        if exc.error is errors.INSUFFICIENT_SCOPE and exc.extra["required"] != [MANAGE]:
            for text in exc.extra["required"]:
                self.add_error("permissions", f"You do not hold {text} yourself, so you cannot grant it.")
            return exc.error.status
        if exc.error is errors.ORGANIZATION_SUSPENDED:
            self.add_error(None, exc.extra["detail"])
            return errors.FORBIDDEN.status
        if exc.error is not errors.INVALID_REQUEST:
            raise exc
        for field, sentences in exc.extra.get("fields", {}).items():
            for sentence in sentences:
                self.add_error({"scopes": "permissions"}.get(field, field), sentence)
        return 422


class NewClientForm(OnceForm, ClientForm):
    pass


class RenamedClientForm(ClientForm):
    """Form of a client whose scopes the picker cannot show. They stay as they are."""

    permissions = None  # type: ignore[assignment]

    @property
    def values(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "refresh_auth": self.cleaned_data["refresh_auth"]}


class RotationForm(OnceForm):
    overlap = forms.TypedChoiceField(
        choices=list(OVERLAPS.items()),
        coerce=int,
        error_messages={
            "required": "Choose how long the old secret stays valid.",
            "invalid_choice": "Choose one of the list.",
        },
    )


class EndForm(RevokeForm):
    reason = None  # type: ignore[assignment]
