"""Forms of the organization: name, policies, and the name as confirmation."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from accounts import errors
from accounts.authorization.policies import LEAST_UNUSED_DAYS, MOST_TOKEN_DAYS, MOST_UNUSED_DAYS
from accounts.errors import APIError
from accounts.models import Organization
from accounts.models.organization import LeakedTokens
from accounts.organizations.update import Changes
from accounts.validation import email_domains
from accounts.validation.form_fields import MetadataField
from accounts.validation.text import validate_line, validate_name

DAYS = f"Write a whole number of days from 1 to {MOST_TOKEN_DAYS}, or nothing."
UNUSED = f"Write a whole number of days from {LEAST_UNUSED_DAYS} to {MOST_UNUSED_DAYS}, or nothing."
_APART = re.compile(r"[\s,;]+")


class Refusable(forms.Form):
    # Form field names by the flow's field names, if they differ.
    renamed: ClassVar[dict[str, str]] = {}

    def add_refusal(self, exc: APIError) -> None:
        """Add a refusal as errors of its fields. Raises it again if it is about the user."""
        if exc.error is not errors.INVALID_REQUEST:
            raise exc
        for field, sentences in exc.extra.get("fields", {}).items():
            for sentence in sentences:
                self.add_error(self.renamed.get(field, field), sentence)


class NameForm(Refusable):
    name = forms.CharField(
        max_length=100,
        validators=[validate_name],
        error_messages={
            "required": "Give the organization a name.",
            "max_length": "A name has at most 100 characters.",
        },
    )


class OrganizationMetadataForm(Refusable):
    metadata = MetadataField()


class PolicyForm(Refusable):
    renamed: ClassVar[dict[str, str]] = {
        "ssoRequired": "sso_required",
        "ssoProvider": "sso_provider",
        "ssoTenant": "sso_tenant",
        "mfaRequired": "mfa_required",
    }

    longest_token_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_TOKEN_DAYS,
        error_messages={"invalid": DAYS, "min_value": DAYS, "max_value": DAYS},
    )
    never_expiring_allowed = forms.BooleanField(required=False)
    sso_required = forms.BooleanField(required=False)
    sso_provider = forms.CharField(required=False, max_length=30)
    sso_tenant = forms.CharField(
        required=False,
        max_length=253,
        validators=[validate_line],
        error_messages={"max_length": "A tenant has at most 253 characters."},
    )
    mfa_required = forms.BooleanField(required=False)
    email_domains = forms.CharField(
        required=False,
        max_length=email_domains.MOST * (email_domains.LONGEST + 2),
        error_messages={"max_length": f"Name at most {email_domains.MOST} domains."},
    )
    unused_tokens_revoked_after_days = forms.IntegerField(
        required=False,
        min_value=LEAST_UNUSED_DAYS,
        max_value=MOST_UNUSED_DAYS,
        error_messages={"invalid": UNUSED, "min_value": UNUSED, "max_value": UNUSED},
    )
    leaked_tokens = forms.ChoiceField(required=False, choices=LeakedTokens.choices)

    def clean_email_domains(self) -> list[str]:
        texts = [text for text in _APART.split(self.cleaned_data["email_domains"]) if text]
        try:
            return email_domains.cleaned(texts)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    @property
    def changes(self) -> Changes:
        """Arguments of ``update.change``."""
        found = self.cleaned_data
        return {
            "longest_token_days": found["longest_token_days"],
            "never_expiring_allowed": found["never_expiring_allowed"],
            "sso_required": found["sso_required"],
            "sso_provider": found["sso_provider"],
            "sso_tenant": found["sso_tenant"],
            "mfa_required": found["mfa_required"],
            "email_domains": found["email_domains"],
            "unused_tokens_revoked_after_days": found["unused_tokens_revoked_after_days"],
            "leaked_tokens": found["leaked_tokens"] or LeakedTokens.REVOKE,
        }

    @property
    def values(self) -> dict[str, Any]:
        """The submitted values, to show them again."""
        return {name: self[name].value() for name in self.fields}


class EndingForm(Refusable):
    """Confirmation by the organization's name."""

    renamed: ClassVar[dict[str, str]] = {"name": "typed"}

    typed = forms.CharField(required=False, max_length=200)


class RevokingForm(EndingForm):
    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        # Browsers collapse spaces, so people type one for several.
        if typed.split() != self.expected.split():
            raise ValidationError(f"Type {self.expected} to confirm.")
        return typed


def values_of(organization: Organization) -> dict[str, Any]:
    """Return the form's values from the organization."""
    return {
        "longest_token_days": organization.longest_token_days,
        "never_expiring_allowed": organization.never_expiring_allowed,
        "sso_required": organization.sso_required,
        "sso_provider": organization.sso_provider,
        "sso_tenant": organization.sso_tenant,
        "mfa_required": organization.mfa_required,
        "email_domains": "\n".join(organization.email_domains),
        "unused_tokens_revoked_after_days": organization.unused_tokens_revoked_after_days,
        "leaked_tokens": organization.leaked_tokens,
    }
