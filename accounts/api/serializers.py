"""The JSON of organizations and members."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.authorization.policies import LEAST_UNUSED_DAYS, MOST_TOKEN_DAYS, MOST_UNUSED_DAYS
from accounts.drf.fields import (
    BoundedList,
    CamelCase,
    Flag,
    Instant,
    Metadata,
    Name,
    Networks,
    StrictSerializer,
    String,
    Text,
    WholeNumber,
)
from accounts.drf.pagination import PageLinks
from accounts.models.organization import LeakedTokens
from accounts.permissions.roles import Role
from accounts.validation import email_domains

LONGEST_DAYS = (
    f"How long a new token may live at most, 1 to {MOST_TOKEN_DAYS} days; null means {MOST_TOKEN_DAYS}. "
    "With a number, tokens without an expiry are not allowed either."
)
SSO = "Members other than owners sign in by single sign-on only."
MFA = "Members work here with a second factor only."
PROVIDER = "The only provider that `ssoRequired` accepts, by a name such as `google`; null means any."
TENANT = (
    "The only tenant of that provider: the tenant id of Microsoft, the hosted domain of Google, the issuer "
    "of any other; null means any."
)
DOMAINS = (
    "Only addresses of these domains are invited and may join, and `ssoRequired` accepts only sign-ins for "
    "which the provider confirms one of them; none means any."
)
METADATA = (
    "Texts of your own by name: at most 20, names of 1 to 40 letters, digits, `-`, `_` and dots. Every token "
    "sees them in whoami, and forward authentication sends them to your API."
)

ADDRESSES = (
    "Addresses and CIDR networks from which programs (API tokens and OAuth clients) may call; empty means "
    "any. People's sessions are not affected."
)
LEAKED = (
    "What happens to a token or client secret that was found in public: `revoke` ends it, `notify` only "
    "mails the owners."
)

UNUSED = (
    f"API tokens that are unused for so many days, {LEAST_UNUSED_DAYS} to {MOST_UNUSED_DAYS}, are revoked, "
    "which is announced 7 days ahead; null means never."
)


class Domains(BoundedList):
    """Domains of e-mail addresses, each once and in lower case."""

    child = String(max_length=len("@") + email_domains.LONGEST)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=email_domains.MOST, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        texts = super().to_internal_value(data)
        try:
            return email_domains.cleaned(texts)
        except ValueError as problem:
            raise serializers.ValidationError(str(problem)) from None


class Unset(Text):
    """A text that is null if it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True} | kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        found = super().run_validation(data)
        return "" if found is None else found

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return super().to_representation(value) or None


class PersonSerializer(CamelCase):
    """A user as other members see them."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="display_name")
    email = serializers.EmailField()


class PlanSerializer(CamelCase):
    """A plan. `requestsPerDay` is the organization's own number if it has one; null is unlimited."""

    id = serializers.CharField(source="plan.slug")
    name = serializers.CharField(source="plan.name")
    requests_per_day = serializers.IntegerField(source="effective_requests_per_day", allow_null=True)
    burst_per_minute = serializers.IntegerField(source="plan.burst_per_minute", allow_null=True)


class OrganizationSerializer(CamelCase):
    """An organization as its own members and programs see it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    slug = serializers.CharField()
    plan = PlanSerializer(source="*")
    publishable_key = serializers.CharField(help_text="Names the organization; it grants nothing.")
    never_expiring_tokens_allowed = serializers.BooleanField(
        source="never_expiring_allowed", help_text="Only where `longestTokenDays` is null as well."
    )
    longest_token_days = serializers.IntegerField(allow_null=True, help_text=LONGEST_DAYS)
    sso_required = serializers.BooleanField(help_text=SSO)
    sso_provider = Unset(help_text=PROVIDER)
    sso_tenant = Unset(help_text=TENANT)
    mfa_required = serializers.BooleanField(help_text=MFA)
    email_domains = serializers.ListField(child=serializers.CharField(), help_text=DOMAINS)
    allowed_addresses = serializers.ListField(child=serializers.CharField(), help_text=ADDRESSES)
    leaked_tokens = serializers.ChoiceField(choices=LeakedTokens.choices, help_text=LEAKED)
    unused_tokens_revoked_after_days = serializers.IntegerField(allow_null=True, help_text=UNUSED)
    metadata = serializers.DictField(child=serializers.CharField(), help_text=METADATA)
    created_at = Instant()


class OrganizationChange(StrictSerializer):
    """The changeable fields of an organization."""

    unknown = "This cannot be changed here."

    name = Name(max_length=100, required=False)
    never_expiring_tokens_allowed = Flag(source="never_expiring_allowed", required=False)
    longest_token_days = WholeNumber(
        min_value=1, max_value=MOST_TOKEN_DAYS, allow_null=True, required=False, help_text=LONGEST_DAYS
    )
    sso_required = Flag(required=False, help_text=SSO)
    sso_provider = Unset(max_length=30, help_text=PROVIDER)
    sso_tenant = Unset(max_length=253, help_text=TENANT)
    mfa_required = Flag(required=False, help_text=MFA)
    email_domains = Domains(required=False, help_text=DOMAINS)
    allowed_addresses = Networks(required=False, help_text=ADDRESSES)
    leaked_tokens = serializers.ChoiceField(choices=LeakedTokens.choices, required=False, help_text=LEAKED)
    unused_tokens_revoked_after_days = WholeNumber(
        min_value=LEAST_UNUSED_DAYS,
        max_value=MOST_UNUSED_DAYS,
        allow_null=True,
        required=False,
        help_text=UNUSED,
    )
    metadata = Metadata(required=False, help_text=f"Replaces all entries. {METADATA}")


class MemberSerializer(CamelCase):
    """A person in this organization."""

    id = serializers.CharField(source="public_id")
    role = serializers.ChoiceField(choices=Role.choices)
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Permissions beyond those of the role."
    )
    user = PersonSerializer()
    joined_at = Instant()
    last_seen_at = Instant(allow_null=True)


class NewOwner(StrictSerializer):
    """The member who is to become the owner."""

    member_id = String(max_length=100)


class MemberPage(PageLinks):
    """One page of members."""

    results = MemberSerializer(many=True)
