"""JSON of service-account tokens."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import PersonSerializer, Unset
from accounts.drf.fields import (
    BoundedList,
    CamelCase,
    Instant,
    Lines,
    Metadata,
    Moment,
    Name,
    Networks,
    StrictSerializer,
    String,
    Text,
    WholeNumber,
)
from accounts.drf.pagination import PageLinks, PageQuery
from accounts.permissions.scopes import MAX_LENGTH, PATTERN, parse
from tokens.models import MAX_DAYS, MOST_PERMISSIONS, MOST_REQUESTS, Status
from tokens.service_accounts import pasted
from tokens.service_accounts.search import Filter

DEFAULT_DAYS = 90
METADATA = (
    "Texts of your own by name: at most 20, names of 1 to 40 letters, digits, `-`, `_` and dots. whoami "
    "shows them, and forward authentication sends them to your API."
)
ADDRESSES = "Addresses and CIDR networks from which the token may be used; none means any."
OWN_LIMIT = "A limit of its own within the organization's; null means the organization's alone."
STATUSES = [
    (status.value, status.label) for status in (Status.ACTIVE, Status.PAUSED, Status.EXPIRED, Status.REVOKED)
]


class PermissionText(String):
    """A permission in either form, stored as written."""

    pattern = PATTERN

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_LENGTH, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            parse(text)
        except ValueError as problem:
            raise serializers.ValidationError(str(problem)) from None
        return text


class TokenQuery(CamelCase, PageQuery):
    status = serializers.ChoiceField(
        choices=Filter.choices,
        default=Filter.ACTIVE,
        help_text="`active` includes paused tokens, which have not ended.",
    )
    q = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=100,
        help_text="Part of a name or description, or a token's last four characters.",
    )

    def validate_q(self, value: str) -> str:
        if pasted.is_part_of_secret(value):
            raise serializers.ValidationError(
                "Do not put a token in the URL. Use POST /api/v1/tokens/lookup."
            )
        return value


class TokenCreateSerializer(StrictSerializer):
    """A new token."""

    name = Name(max_length=100, help_text="Unique among the organization's active tokens.")
    permissions = BoundedList(
        child=PermissionText(),
        min_length=1,
        max_length=MOST_PERMISSIONS,
        help_text="They can only become narrower later.",
    )
    expires_in_days = WholeNumber(
        min_value=1,
        max_value=MAX_DAYS,
        allow_null=True,
        default=DEFAULT_DAYS,
        help_text=f"Default {DEFAULT_DAYS}; null never expires, if the organization allows it. A token "
        "created by a program expires no later than the program: a later expiry is shortened, and the "
        "response has the resulting `expiresAt`.",
    )
    description = Lines(max_length=500, allow_blank=True, default="")
    metadata = Metadata(default=dict, help_text=METADATA)
    allowed_addresses = Networks(default=list, help_text=ADDRESSES)
    requests_per_day = WholeNumber(
        min_value=1, max_value=MOST_REQUESTS, allow_null=True, default=None, help_text=OWN_LIMIT
    )


class TokenUpdateSerializer(StrictSerializer):
    """The changeable fields of a token."""

    unknown = "This cannot be changed."

    name = Name(max_length=100, required=False)
    description = Lines(max_length=500, allow_blank=True, required=False)
    metadata = Metadata(required=False, help_text=f"Replaces all entries. {METADATA}")
    allowed_addresses = Networks(required=False, help_text=ADDRESSES)
    requests_per_day = WholeNumber(
        min_value=1, max_value=MOST_REQUESTS, allow_null=True, required=False, help_text=OWN_LIMIT
    )
    permissions = BoundedList(
        child=PermissionText(),
        min_length=1,
        max_length=MOST_PERMISSIONS,
        required=False,
        help_text="Each covered by what the token holds: permissions can only become narrower.",
    )
    expires_at = Moment(
        allow_null=True,
        required=False,
        help_text="Sooner than before, and in the future. null is only for a token without an expiry.",
    )


class RevocationSerializer(StrictSerializer):
    """Why a token is revoked."""

    reason = Text(max_length=200, allow_blank=True, default="")


class TokenLookupSerializer(StrictSerializer):
    """A token's plaintext to look up."""

    token = String(max_length=1000, help_text="A token's whole plaintext.")


class ResponsibleSerializer(CamelCase):
    """The responsible member: the token ends with the membership."""

    member_id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="user.display_name")


class KnownToSerializer(CamelCase):
    """A former member, or a program that has ended, who may still know a valid secret."""

    name = serializers.CharField(source="known_to")
    since = Instant(source="known_since")


class ParentSerializer(CamelCase):
    """The program that created it: it ends with that program."""

    type = serializers.ChoiceField(choices=["token", "client"])
    id = serializers.CharField()
    name = serializers.CharField()


class RefusedUsesSerializer(CamelCase):
    """Calls with the secret of a paused, revoked or expired token, or of a suspended organization's."""

    count = serializers.IntegerField()
    last_at = Instant(allow_null=True)
    last_ip = serializers.CharField(allow_null=True)


class TokenSecretSerializer(CamelCase):
    """One of a token's secrets."""

    last_four = serializers.CharField(source="secret.last_four")
    created_at = Instant(source="secret.created_at")
    valid_until = Instant(
        source="secret.valid_until",
        allow_null=True,
        help_text="The overlap's end; null for the current one.",
    )
    last_used_at = Instant(allow_null=True)
    calls = serializers.IntegerField()


class RotationSerializer(CamelCase):
    """The overlap of two secrets."""

    started_at = Instant()
    ends_at = Instant()
    closes_after_first_use_seconds = serializers.IntegerField(allow_null=True)


class TokenSerializer(CamelCase):
    """A token without its secret."""

    id = serializers.CharField(source="token.public_id")
    name = serializers.CharField(source="token.name")
    description = serializers.CharField(source="token.description")
    token_prefix = serializers.CharField(source="token.current_secret.prefix")
    last_four = serializers.CharField(source="token.current_secret.last_four")
    permissions = serializers.ListField(child=serializers.CharField(), source="token.permissions")
    metadata = serializers.DictField(child=serializers.CharField(), source="token.metadata")
    allowed_addresses = serializers.ListField(child=serializers.CharField(), source="token.allowed_addresses")
    requests_per_day = serializers.IntegerField(source="token.requests_per_day", allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    created_at = Instant(source="token.created_at")
    created_by = PersonSerializer(source="token.created_by", allow_null=True)
    expires_at = Instant(source="token.expires_at", allow_null=True)
    last_used_at = Instant(source="usage.last_used_at", allow_null=True)
    last_used_ip = serializers.CharField(source="usage.last_used_ip", allow_null=True)
    usage_count = serializers.IntegerField(source="usage.calls")
    refused_uses = RefusedUsesSerializer(source="usage.refused_uses")
    paused_at = Instant(source="paused.paused_at", allow_null=True, help_text="null unless it is paused now.")
    paused_until = Instant(
        source="paused.paused_until", allow_null=True, help_text="null also until it is resumed."
    )
    paused_reason = serializers.CharField(allow_null=True)
    revoked_at = Instant(source="token.revoked_at", allow_null=True)
    revoked_by = PersonSerializer(source="token.revoked_by", allow_null=True)
    revoked_reason = serializers.CharField(allow_null=True)
    unused_revocation_at = Instant(
        allow_null=True,
        help_text="When it will be revoked as unused by the organization's policy; null until announced.",
    )
    leaked_at = Instant(
        source="token.leaked_at",
        allow_null=True,
        help_text="When a secret of it that was valid was reported as found in public.",
    )
    leak_source = Unset(source="token.leak_source", help_text="Where it was found, as the report says.")
    responsible = ResponsibleSerializer(allow_null=True)
    parent = ParentSerializer(allow_null=True)
    known_to_former_member = KnownToSerializer(source="known_secret", allow_null=True)
    secrets = TokenSecretSerializer(
        many=True, help_text="The newest 20, newest first, without cancelled ones."
    )
    rotation = RotationSerializer(allow_null=True, help_text="The running rotation.")


class CreatedTokenSerializer(TokenSerializer):
    """The only response with the secret."""

    token = serializers.CharField(source="plaintext", help_text="The plaintext, shown here and never again.")


class TokenPage(PageLinks):
    """One page of tokens."""

    results = TokenSerializer(many=True)
