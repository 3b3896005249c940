"""JSON endpoints of the organization and its members."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.api.serializers import (
    MemberPage,
    MemberSerializer,
    NewOwner,
    OrganizationChange,
    OrganizationSerializer,
)
from accounts.drf.pagination import PageQuery, SignedCursorPagination
from accounts.drf.tenancy import caller, organization_id, parse_id
from accounts.errors import ErrorCode
from accounts.members.roles import transfer_ownership
from accounts.models import Membership, Organization
from accounts.organizations.update import change


@extend_schema(tags=["Organization"])
class OrganizationView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "organization.view", "PATCH": "organization.manage"}

    @extend_schema(
        operation_id="readOrganization", summary="The organization", responses=OrganizationSerializer
    )
    def get(self, request: Request) -> Response:
        """Name, plan and policies of the organization that the credential belongs to."""
        organization = Organization.objects.select_related("plan").get(pk=organization_id(request))
        return Response(OrganizationSerializer(organization).data)

    @extend_schema(
        operation_id="changeOrganization",
        summary="Rename the organization or change its policies",
        request=OrganizationChange,
        responses=OrganizationSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Fields that are left out stay as they are. Existing tokens keep the expiry they were made with.

        Sessions that do not meet `ssoRequired` or `mfaRequired` are revoked immediately. Neither can be
        switched on if no member, or you yourself, could meet it. Every change is in the audit log.
        """
        wanted = OrganizationChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        organization = change(actor=caller(request), **wanted.validated_data)
        return Response(OrganizationSerializer(organization).data)


@extend_schema(tags=["Organization"])
class MembersView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "members.view"}

    @extend_schema(
        operation_id="listMembers", summary="The members", parameters=[PageQuery], responses=MemberPage
    )
    def get(self, request: Request) -> Response:
        """People and their roles, newest first; `permissions` lists those a member holds beyond the role."""
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        members = Membership.objects.filter(organization_id=organization_id(request)).select_related("user")
        pages = SignedCursorPagination("members", query.validated_data)
        page = pages.paginate_queryset(members, request)
        return pages.get_paginated_response(MemberSerializer(page, many=True).data)


@extend_schema(tags=["Organization"])
class OwnershipView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"POST": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = {"POST": (errors.FORBIDDEN, errors.NOT_FOUND)}

    @extend_schema(
        operation_id="transferOwnership",
        summary="Hand the organization over",
        request=NewOwner,
        responses=MemberSerializer,
    )
    def post(self, request: Request) -> Response:
        """Makes another member an owner, and the caller an admin, in one act. For an owner's session only."""
        wanted = NewOwner(data=request.data)
        wanted.is_valid(raise_exception=True)
        member_id = parse_id("mem", wanted.validated_data["member_id"])
        owner = transfer_ownership(actor=caller(request), member_id=member_id)
        return Response(MemberSerializer(owner).data)
