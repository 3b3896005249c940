"""The JSON of a member's change and removal: what is asked for, and the record that is returned."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.api.invitations import RoleField
from accounts.api.serializers import MemberSerializer
from accounts.drf.fields import BoundedDict, BoundedList, CamelCase, StrictSerializer, String
from accounts.drf.tenancy import parse_id
from tokens.api.token_serializers import MOST_PERMISSIONS, PermissionText

MOST_TRANSFERS = 100
LONGEST_ID = 100


class Transferring(StrictSerializer):
    """By id of a token or a client, the id of the member who takes it over."""

    transfer_tokens = BoundedDict(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        longest_key=LONGEST_ID,
        required=False,
        help_text="By token id, the id of the member who takes the token over: one who may manage tokens "
        "and holds all that it does. Not for one's own tokens.",
    )
    transfer_clients = BoundedDict(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        longest_key=LONGEST_ID,
        required=False,
        help_text="The same for OAuth clients.",
    )

    def transfers(self) -> dict[str, dict[UUID, UUID]]:
        """Arguments of the flow; raises APIError(not_found) for an id that cannot be one."""
        tokens = self.validated_data.get("transfer_tokens", {})
        clients = self.validated_data.get("transfer_clients", {})
        return {
            "transfers": {parse_id("tok", one): parse_id("mem", member) for one, member in tokens.items()},
            "clients": {parse_id("cli", one): parse_id("mem", member) for one, member in clients.items()},
        }


class MemberChange(Transferring):
    """What of a member may change."""

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

    def wanted(self) -> dict[str, Any]:
        """Arguments of the flow; raises APIError(not_found) for an id that cannot be one."""
        given = self.validated_data
        found: dict[str, Any] = {name: given[name] for name in ("role", "permissions") if name in given}
        revoked = [parse_id("tok", text) for text in given.get("revoke_tokens", [])]
        return found | self.transfers() | {"revoked": revoked}


class Removal(Transferring):
    """What becomes of the member's tokens and clients; tokens not named are revoked, clients stay."""


class ExcessSerializer(CamelCase):
    """A token or client that may do more than the member who is responsible for it."""

    id = serializers.CharField(source="credential.public_id")
    name = serializers.CharField(source="credential.name")
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Those that the member does not hold."
    )


class ExceedingSerializer(CamelCase):
    tokens = ExcessSerializer(many=True)
    clients = ExcessSerializer(many=True)


class ChangedMemberSerializer(MemberSerializer):
    """The member, and what goes on beyond their rights: revoke it, or transfer it."""

    exceeding = ExceedingSerializer()
