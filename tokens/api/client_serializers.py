"""JSON of OAuth clients."""

from __future__ import annotations

from rest_framework import serializers

from accounts.api.serializers import PersonSerializer
from accounts.drf.fields import BoundedList, CamelCase, Instant, Name, StrictSerializer, WholeNumber
from accounts.drf.pagination import PageLinks
from tokens.api.token_serializers import KnownToSerializer, ParentSerializer, PermissionText
from tokens.models import MAX_OVERLAP_SECONDS, MOST_PERMISSIONS, OVERLAP_SECONDS
from tokens.models.client import RefreshAuth

SCOPES_HELP = "The most that an access token of the client may hold."
REFRESH_HELP = "Whether a refresh needs the secret, or the client's id alone."


class ClientCreateSerializer(StrictSerializer):
    """A new client."""

    name = Name(max_length=100)
    scopes = BoundedList(
        child=PermissionText(), min_length=1, max_length=MOST_PERMISSIONS, help_text=SCOPES_HELP
    )
    refresh_auth = serializers.ChoiceField(
        choices=RefreshAuth.values, default=RefreshAuth.REQUIRED.value, help_text=REFRESH_HELP
    )


class ClientUpdateSerializer(StrictSerializer):
    """The changeable fields of a client."""

    unknown = "Only name, scopes and refreshAuth can be changed."

    name = Name(max_length=100, required=False)
    scopes = BoundedList(
        child=PermissionText(),
        min_length=1,
        max_length=MOST_PERMISSIONS,
        required=False,
        help_text=SCOPES_HELP,
    )
    refresh_auth = serializers.ChoiceField(choices=RefreshAuth.values, required=False, help_text=REFRESH_HELP)


class SecretRotationSerializer(StrictSerializer):
    """How long the earlier secrets stay valid."""

    overlap_seconds = WholeNumber(
        min_value=0,
        max_value=MAX_OVERLAP_SECONDS,
        default=OVERLAP_SECONDS,
        help_text="0 ends them at once.",
    )


class SecretSerializer(CamelCase):
    """A valid secret. ``validUntil`` is null until it is replaced."""

    last_four = serializers.CharField()
    created_at = Instant()
    valid_until = Instant(
        source="ends_at",
        allow_null=True,
        help_text="A secret that a program requested expires no later than the program.",
    )


class ClientSerializer(CamelCase):
    """A client without its secrets."""

    id = serializers.CharField(source="public_id")
    client_id = serializers.CharField(source="public_id", help_text="The same as `id`.")
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    refresh_auth = serializers.ChoiceField(choices=RefreshAuth.values)
    created_at = Instant()
    created_by = PersonSerializer(allow_null=True)
    expires_at = Instant(allow_null=True, help_text="The expiry of the program that created it, if any.")
    parent = ParentSerializer(source="program", allow_null=True)
    secrets = SecretSerializer(many=True, source="secrets.all")
    known_to_former_member = KnownToSerializer(source="known_secret", allow_null=True)


class ClientWithSecretSerializer(ClientSerializer):
    """The only response with the secret."""

    client_secret = serializers.CharField(help_text="The plaintext, shown here and never again.")


class ClientPage(PageLinks):
    """One page of clients."""

    results = ClientSerializer(many=True)


class RevokedCounts(CamelCase):
    """Numbers of revoked credentials."""

    tokens = serializers.IntegerField(help_text="Service-account tokens.")
    client_secrets = serializers.IntegerField(help_text="Secrets of OAuth clients.")
    client_grants = serializers.IntegerField(help_text="Grants of OAuth clients.")
    sessions = serializers.IntegerField(help_text="People's sessions.")
    invitations = serializers.IntegerField(help_text="Open invitations.")
