"""JSON endpoint of one member: another role, other permissions, and the end of the membership."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authorization import MANAGE
from accounts.fields import Body, BoundedDict, BoundedList, String
from accounts.invitations_api import RoleField
from accounts.serializers import MemberSerializer
from accounts.tenancy import caller, named
from ratelimit import refusals
from ratelimit.refusals import Refusal
from tokens import handover
from tokens.serializers import MOST_PERMISSIONS, PermissionText

MOST_TRANSFERS = 100
LONGEST_ID = 100
MEMBER_ID = OpenApiParameter(
    "member_id", {"type": "string", "pattern": "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
)


class MemberChange(Body):
    """What of a member may change."""

    unknown = "Only role and permissions can be changed."

    role = RoleField(required=False, help_text="No more than the caller's own.")
    permissions = BoundedList(
        child=PermissionText(),
        max_length=MOST_PERMISSIONS,
        required=False,
        help_text="All that the member is to hold beyond the role.",
    )


class Removal(Body):
    """What becomes of the member's tokens; those not named are revoked."""

    transfer_tokens = BoundedDict(
        child=String(max_length=LONGEST_ID),
        max_length=MOST_TRANSFERS,
        longest_key=LONGEST_ID,
        required=False,
        help_text="By token id, the id of the member who takes the token over: one who may manage tokens "
        "and holds all that it does.",
    )


@extend_schema(tags=["Organization"], parameters=[MEMBER_ID])
class MemberView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"PATCH": MANAGE, "DELETE": None}
    refuses: ClassVar[dict[str, tuple[Refusal, ...]]] = {
        "PATCH": (refusals.FORBIDDEN, refusals.LAST_OWNER),
        "DELETE": (refusals.INSUFFICIENT_SCOPE, refusals.FORBIDDEN, refusals.LAST_OWNER),
    }
    optional_body = ("DELETE",)

    @extend_schema(
        operation_id="changeMember",
        summary="Change a member's role or permissions",
        request=MemberChange,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        """Holds from the member's next request on. Tokens they answer for go on as they are.

        Nobody acts on somebody above them, gives more than they hold, or takes the last owner away.
        """
        pk = named("mem", member_id)
        wanted = MemberChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        member = handover.change(actor=caller(request), member_id=pk, **wanted.validated_data)
        return Response(MemberSerializer(member).data)

    @extend_schema(
        operation_id="removeMember", summary="Remove a member", request=Removal, responses={204: None}
    )
    def delete(self, request: Request, member_id: str) -> Response:
        """Ends their sessions here, and their tokens but for those that others take over.

        Needs `members.manage`, except for leaving by oneself.
        """
        pk = named("mem", member_id)
        wanted = Removal(data=request.data)
        wanted.is_valid(raise_exception=True)
        transfers = _decoded(wanted.validated_data.get("transfer_tokens", {}))
        handover.remove(actor=caller(request), member_id=pk, transfers=transfers)
        return Response(status=204)


def _decoded(transfers: dict[str, str]) -> dict[UUID, UUID]:
    """Raises Refused(not_found) for an id that cannot be one."""
    return {named("tok", token): named("mem", member) for token, member in transfers.items()}
