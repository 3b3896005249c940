"""JSON endpoints that list and end a person's API sessions."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.drf.pagination import PageQuery, SignedCursorPagination
from accounts.drf.tenancy import parse_id
from accounts.errors import APIError, ErrorCode
from tokens.api.sessions.login import session_of
from tokens.api.sessions.serializers import EndQuery, SessionPage, SessionSerializer
from tokens.sessions import session_errors, sessions

SESSION_ID = OpenApiParameter(
    "session_id", {"type": "string", "pattern": "^ses_[0-7][0-9a-hjkmnp-tv-z]{25}$"}, OpenApiParameter.PATH
)
REFUSES: dict[str, tuple[ErrorCode, ...]] = dict.fromkeys(
    ("GET", "DELETE"), (session_errors.SESSION_REQUIRED,)
)


@extend_schema(tags=["Sessions"])
class SessionsView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": None, "DELETE": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = REFUSES

    @extend_schema(
        operation_id="listSessions", summary="My sessions", parameters=[PageQuery], responses=SessionPage
    )
    def get(self, request: Request) -> Response:
        """Active sessions, newest first, in all organizations of the person."""
        user_id, current = session_of(request)
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        pages = SignedCursorPagination("sessions", query.validated_data)
        page = pages.paginate_queryset(sessions.active(user_id), request)
        return pages.get_paginated_response(
            SessionSerializer(sessions.with_last_use(page, current), many=True).data
        )

    @extend_schema(
        operation_id="endSessions",
        summary="End my other sessions",
        parameters=[EndQuery],
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Ends all other sessions; with `all=true` also this one."""
        user_id, current = session_of(request)
        query = EndQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        sessions.end_all(user_id=user_id, but=None if query.validated_data["all"] else current)
        return Response(status=204)


@extend_schema(tags=["Sessions"], parameters=[SESSION_ID])
class SessionView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"DELETE": None}
    refuses: ClassVar[dict[str, tuple[ErrorCode, ...]]] = REFUSES

    @extend_schema(operation_id="endSession", summary="End one of my sessions", responses={204: None})
    def delete(self, request: Request, session_id: str) -> Response:
        """Ends it at once, with its access and refresh tokens. Repeating it is no error."""
        user_id, _ = session_of(request)
        if not sessions.end(user_id=user_id, grant_id=parse_id("ses", session_id)):
            raise APIError(errors.NOT_FOUND)
        return Response(status=204)
