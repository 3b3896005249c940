"""JSON of a member's change and removal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.api.invitations import RoleField
from accounts.api.serializers import MemberSerializer
from accounts.drf.fields import BoundedDict, BoundedList, CamelCase, StrictSerializer, String
from accounts.drf.tenancy import parse_id
from tokens.api.token_serializers import PermissionText
from tokens.models import MOST_PERMISSIONS

MOST_TRANSFERS = 100
LONGEST_ID = 100


class TransferSerializer(StrictSerializer):
    """Recipients' member ids by the id of a token or client."""

    transfer_tokens = BoundedDict(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        longest_key=LONGEST_ID,
        required=False,
        help_text="By token id, the id of the member who takes the token over. That member must be "
        "allowed to manage tokens and hold all of its permissions. You cannot transfer your own tokens.",
    )
    transfer_clients = BoundedDict(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        longest_key=LONGEST_ID,
        required=False,
        help_text="The same for OAuth clients.",
    )

    def transfers(self) -> dict[str, dict[UUID, UUID]]:
        """Return the arguments of the flow. Raises APIError(not_found) for a malformed id."""
        tokens = self.validated_data.get("transfer_tokens", {})
        clients = self.validated_data.get("transfer_clients", {})
        return {
            "transfers": {parse_id("tok", one): parse_id("mem", member) for one, member in tokens.items()},
            "clients": {parse_id("cli", one): parse_id("mem", member) for one, member in clients.items()},
        }


class MemberUpdateSerializer(TransferSerializer):
    """The changeable fields of a member."""

    unknown = "Only role and permissions can be changed, and tokens and clients transferred or revoked."

    role = RoleField(required=False, help_text="No more than the caller's own.")
    permissions = BoundedList(
        child=PermissionText(),
        max_length=MOST_PERMISSIONS,
        required=False,
        help_text="All that the member is to hold beyond the role. A lower role removes those not named.",
    )
    revoke_tokens = BoundedList(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        required=False,
        help_text="Ids of the member's tokens that are revoked.",
    )

    def changes(self) -> dict[str, Any]:
        """Return the arguments of the flow. Raises APIError(not_found) for a malformed id."""
        given = self.validated_data
        found: dict[str, Any] = {name: given[name] for name in ("role", "permissions") if name in given}
        revoked = [parse_id("tok", text) for text in given.get("revoke_tokens", [])]
        return found | self.transfers() | {"revoked": revoked}


class MemberRemovalSerializer(TransferSerializer):
    """Transfers of the member's tokens and clients. Other tokens are revoked; other clients stay."""


class ExcessSerializer(CamelCase):
    """A token or client with permissions that its responsible member does not hold."""

    id = serializers.CharField(source="credential.public_id")
    name = serializers.CharField(source="credential.name")
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Those that the member does not hold."
    )


class ExceedingSerializer(CamelCase):
    tokens = ExcessSerializer(many=True)
    clients = ExcessSerializer(many=True)


class ChangedMemberSerializer(MemberSerializer):
    """The member, with the active credentials that exceed their permissions."""

    exceeding = ExceedingSerializer()
