"""Forms of API tokens: creation, change, revocation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts import errors
from accounts.errors import APIError
from accounts.models import Organization
from accounts.permissions import picker
from accounts.permissions.actor import Actor
from accounts.permissions.picker import ONLY, Selection
from accounts.validation.form_fields import MetadataField, NetworksField
from accounts.validation.text import validate_line, validate_lines, validate_name
from tokens.models import MOST_PERMISSIONS, ServiceAccountToken
from tokens.pages.expiration_form import WithExpiration
from tokens.pages.restrictions_form import WithRestrictions
from tokens.service_accounts import expiry, names, pasted, update
from tokens.service_accounts.issue import MANAGE, Issued, issue
from tokens.service_accounts.update import Changes

# Of a list of addresses in the query string.
LONGEST_LIST = 1000


class Lines(forms.CharField):
    """Multi-line text. Browsers send CR LF line ends, programs LF."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class NameAndDescription(forms.Form):
    name = forms.CharField(
        max_length=100,
        validators=[validate_name],
        error_messages={
            "required": "Give the token a name.",
            "max_length": "A name has at most 100 characters.",
        },
    )
    description = Lines(
        max_length=500,
        required=False,
        validators=[validate_lines],
        error_messages={"max_length": "A description has at most 500 characters."},
    )

    def add_refusal(self, exc: APIError) -> int:
        """Add a refusal as errors of its fields, and return the status of the page."""
        for field, sentences in exc.extra.get("fields", {}).items():
            for sentence in sentences:
                self.add_error({"expiresInDays": "expiration"}.get(field, field), sentence)
        return 422


class EditForm(WithRestrictions, NameAndDescription):
    """What may change either way. An ended token has its name, description and metadata only."""

    def __init__(self, data: QueryDict | None, *, token: ServiceAccountToken, has_ended: bool) -> None:
        super().__init__(data, initial={name: getattr(token, name) for name in self.base_fields})
        self.token = token
        if has_ended:
            for name in self.fields.keys() - update.OF_RECORD:
                del self.fields[name]

    @property
    def changes(self) -> Changes:
        """The arguments of ``update``: the fields that the browser has sent."""
        sent = {
            name: value
            for name, value in self.cleaned_data.items()
            if not self.fields[name].widget.value_omitted_from_data(self.data, self.files, name)
        }
        return cast(Changes, sent)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        # Without other errors the flow checks the name, under its lock.
        if self.errors and update.is_taken(self.token, found.get("name", self.token.name)):
            self.add_error("name", names.TAKEN)
        return found


class WithPermissions(forms.Form):
    """A form with the permission picker. ``holder`` is the subject of its error messages."""

    holder = "A token"
    # Validated against the catalogue in clean_permissions.
    permissions = forms.Field(required=False, widget=forms.MultipleHiddenInput)

    @property
    def selection(self) -> Selection:
        return selected(self.data, "permissions") if self.is_bound else Selection()

    def clean_permissions(self) -> list[str]:
        selection = self.selection
        if selection.unknown:
            raise ValidationError([f"There is no permission {text[:100]}." for text in selection.unknown[:5]])
        if wrong := picker.malformed(selection):
            raise ValidationError(f"“{wrong[0][:100]}” is not an identifier. Use letters, digits, - and _.")
        if not selection.ticked:
            raise ValidationError("Choose at least one permission.")
        permissions = selection.permissions
        if len(permissions) > MOST_PERMISSIONS:
            raise ValidationError(f"{self.holder} holds at most {MOST_PERMISSIONS} permissions.")
        return permissions


class WithNonce(forms.Form):
    """A form that makes one secret, even if it is sent twice."""

    nonce = forms.CharField(max_length=64, required=False)

    def idempotency_key(self, actor: Actor) -> str:
        """Return a key that is unique for the person, and distinct from the keys that programs send."""
        nonce = self.cleaned_data["nonce"]
        return f"form:{actor.id}:{nonce}" if nonce else ""


class CreateForm(WithPermissions, WithExpiration, WithNonce, WithRestrictions, NameAndDescription):
    allowed_addresses = NetworksField()

    def __init__(
        self, *args: Any, actor: Actor, organization: Organization, now: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, organization=organization, now=now, **kwargs)
        self.actor = actor

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        # Without other errors the flow checks the name, after checking the idempotency key.
        if self.errors and names.is_taken(self.organization.pk, found.get("name", ""), self.now):
            self.add_error("name", names.TAKEN)
        return found

    def issue(self) -> Issued:
        """Create the token. Raises what ``issue`` raises."""
        return issue(
            actor=self.actor,
            name=self.cleaned_data["name"],
            description=self.cleaned_data["description"],
            permissions=self.cleaned_data["permissions"],
            metadata=self.cleaned_data["metadata"],
            allowed_addresses=self.cleaned_data["allowed_addresses"],
            requests_per_day=self.cleaned_data["requests_per_day"],
            expires_in_days=self.days,
            idempotency_key=self.idempotency_key(self.actor),
        )

    def add_refusal(self, exc: APIError) -> int:
        """Add a refusal as errors of its fields, and return the status. Raises any other refusal."""
        if exc.error is errors.TOKEN_LIMIT_REACHED:
            limit = exc.extra["limit"]
            self.add_error(
                None, f"The organization has {limit} active tokens, which is the limit. Revoke one first."
            )
            return exc.error.status
        if exc.error is errors.INSUFFICIENT_SCOPE and exc.extra["required"] != [MANAGE]:
            for text in exc.extra["required"]:
                self.add_error("permissions", f"You do not hold {text} yourself, so you cannot grant it.")
            return exc.error.status
        if exc.error is errors.ORGANIZATION_SUSPENDED:
            self.add_error(None, exc.extra["detail"])
            return errors.FORBIDDEN.status
        if exc.error is not errors.INVALID_REQUEST:
            raise exc
        return super().add_refusal(exc)


class RevokeForm(forms.Form):
    """``expected`` is the text to type if the tokens are in use, or ""."""

    reason = forms.CharField(
        max_length=200,
        required=False,
        validators=[validate_line],
        error_messages={"max_length": "A reason has at most 200 characters."},
    )
    typed = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        # Browsers collapse spaces, so people type one for several.
        if self.expected and typed.split() != self.expected.split():
            raise ValidationError(f"Type {self.expected} to confirm.")
        return typed


def with_preset(data: QueryDict, actor: Actor) -> Selection:
    """Return the selection of the chosen preset, with the typed identifiers."""
    typed = selected(data, "permissions").ticked
    chosen = picker.preset(data.get("preset", ""), actor.scopes).ticked
    return Selection({name: typed.get(name) or only for name, only in chosen.items()})


def new_nonce() -> str:
    return secrets.token_urlsafe(18)


def selected(data: Mapping[str, Any], field: str) -> Selection:
    """Return the ticked permissions of a form or query string, with the typed identifiers."""
    chosen = data.getlist(field) if isinstance(data, QueryDict) else list(data.get(field, ()))
    only = {key.removeprefix(ONLY): str(data[key]) for key in data if key.startswith(ONLY)}
    return picker.read(chosen, only)


def prefilled(parameters: QueryDict, actor: Actor, organization: Organization) -> dict[str, Any]:
    """Return the form's initial values from the query string. Invalid values get the default.

    A part of a secret is left out, because it has no place in a URL.
    """
    texts = ((name, str(parameters[name])) for name in parameters)
    given = {name: "" if pasted.is_part_of_secret(text) else text for name, text in texts}
    expiration = given.get("expiration") or given.get("expires", "")
    known = expiry.choices(organization)
    preset = given.get("preset", "")
    return {
        "name": given.get("name", "")[:100],
        "description": given.get("description", "")[:500],
        "requests_per_day": given.get("requests_per_day", "")[:10],
        "allowed_addresses": "\n".join(given.get("allowed_addresses", "")[:LONGEST_LIST].split(",")),
        "metadata": MetadataField().prepare_value({}),
        "expiration": expiration if expiration in known else expiry.chosen(organization),
        "expires_on": "",
        "selection": picker.preset(preset, actor.scopes) if preset else selected(parameters, "permission"),
        "nonce": new_nonce(),
    }
