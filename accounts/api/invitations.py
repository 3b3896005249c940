"""JSON endpoints of invitations. Their links are in the mails and in no response."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.api.serializers import PersonSerializer
from accounts.drf.fields import CamelCase, Email, Instant, Secret, StrictSerializer
from accounts.drf.pagination import PageLinks, PageQuery, SignedCursorPagination
from accounts.drf.tenancy import caller, organization_id, parse_id
from accounts.errors import APIError, ErrorCode
from accounts.members import invitation_delivery, invitations
from accounts.members.invitation_delivery import Delivery
from accounts.models import Invitation, User
from accounts.permissions.roles import Role

VIEW, MANAGE = "members.view", "members.manage"
LONGEST_SECRET = 100
INVITATION_ID = OpenApiParameter(
    "invitation_id",
    {"type": "string", "pattern": "^inv_[0-7][0-9a-hjkmnp-tv-z]{25}$"},
    OpenApiParameter.PATH,
)


class RoleField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Role.choices, **kwargs)

    def to_internal_value(self, data: Any) -> Role:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return Role(super().to_internal_value(data))


class InvitationInput(StrictSerializer):
    email = Email()
    role = RoleField(help_text="No more than the caller's own.")


class Acceptance(StrictSerializer):
    token = Secret(max_length=LONGEST_SECRET, help_text="The last part of the mailed link.")


class InvitationSerializer(CamelCase):
    """An invitation: address, role, expiry."""

    id = serializers.CharField(source="public_id")
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices)
    status = serializers.SerializerMethodField()
    invited_by = PersonSerializer(allow_null=True)
    created_at = Instant()
    sent_at = Instant(allow_null=True, help_text="Null until the mail was sent; it is tried for a day.")
    delivery = serializers.SerializerMethodField()
    expires_at = Instant()

    @extend_schema_field({"type": "string", "enum": ["pending", "expired", "lapsed"]})
    def get_status(self, invitation: Invitation) -> str:
        return invitations.status(invitation, timezone.now())

    @extend_schema_field({"type": "string", "enum": Delivery.values})
    def get_delivery(self, invitation: Invitation) -> str:
        """Of the mail with the present link: `failed` is tried no more, so resend the invitation."""
        return invitation_delivery.delivery(invitation, timezone.now()).value


class InvitationPage(PageLinks):
    results = InvitationSerializer(many=True)


class JoinedSerializer(CamelCase):
    """The new member, and where."""

    member_id = serializers.CharField(source="public_id")
    role = serializers.ChoiceField(choices=Role.choices)
    organization_id = serializers.CharField(source="organization.public_id")
    organization_name = serializers.CharField(source="organization.name")


@extend_schema(tags=["Organization"])
class InvitationsView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": VIEW, "POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.FORBIDDEN,)}

    @extend_schema(
        operation_id="listInvitations",
        summary="The open invitations",
        parameters=[PageQuery],
        responses=InvitationPage,
    )
    def get(self, request: Request) -> Response:
        """Newest first; accepted and revoked ones are not among them.

        A `lapsed` one does not work because its inviter may no longer give its role: resend it.
        """
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = invitations.of_organization(organization_id(request))
        pages = SignedCursorPagination("invitations", query.validated_data)
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(InvitationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="invite",
        summary="Invite a member",
        request=InvitationInput,
        responses={201: InvitationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Mails a link that works once, for seven days, for this address only; no response contains it.

        An open invitation of the same address is replaced. The role may not be above the caller's own.
        """
        given = InvitationInput(data=request.data)
        given.is_valid(raise_exception=True)
        invited = invitations.invite(actor=caller(request), **given.validated_data)
        return Response(InvitationSerializer(invited.invitation).data, status=201)


@extend_schema(tags=["Organization"], parameters=[INVITATION_ID])
class InvitationView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"DELETE": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "DELETE": (errors.FORBIDDEN, errors.INVITATION_GONE)
    }

    @extend_schema(operation_id="revokeInvitation", summary="Take an invitation back", responses={204: None})
    def delete(self, request: Request, invitation_id: str) -> Response:
        """Its link stops working immediately; a repeat changes nothing and returns the same."""
        invitations.revoke(actor=caller(request), invitation=_find(request, invitation_id))
        return Response(status=204)


@extend_schema(tags=["Organization"], parameters=[INVITATION_ID])
class ResendingView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": MANAGE}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (errors.FORBIDDEN, errors.INVITATION_GONE, errors.INVALID_REQUEST)
    }

    @extend_schema(
        operation_id="resendInvitation",
        summary="Mail an invitation again",
        request=None,
        responses=InvitationSerializer,
    )
    def post(self, request: Request, invitation_id: str) -> Response:
        """Mails a new link for seven days; the previous one stops working. The caller becomes the inviter."""
        found = _find(request, invitation_id)
        invited = invitations.resend(actor=caller(request), invitation=found)
        return Response(InvitationSerializer(invited.invitation).data)


@extend_schema(tags=["Organization"])
class AcceptanceView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {
        "POST": (errors.SESSION_REQUIRED, errors.FORBIDDEN, errors.NOT_FOUND, errors.INVITATION_GONE)
    }

    @extend_schema(
        operation_id="acceptInvitation",
        summary="Accept an invitation",
        request=Acceptance,
        responses=JoinedSerializer,
    )
    def post(self, request: Request) -> Response:
        """For a person's session, whose confirmed address must be the invited one. Works once, then 410.

        The session stays in its organization: sign in to the new one to work there.
        """
        body = Acceptance(data=request.data)
        body.is_valid(raise_exception=True)
        actor = caller(request)
        if actor.type != "user" or actor.user_id is None:
            raise APIError(errors.SESSION_REQUIRED)
        user = User.objects.get(pk=actor.user_id)
        member = invitations.accept(secret=body.validated_data["token"], user=user)
        return Response(JoinedSerializer(member).data)


def _find(request: Request, invitation_id: str) -> Invitation:
    """The organization's invitation of that public id; raises APIError(not_found) for any other."""
    pk = parse_id("inv", invitation_id)
    found = Invitation.objects.filter(pk=pk, organization_id=organization_id(request)).first()
    if found is None:
        raise APIError(errors.NOT_FOUND)
    return found
