"""The JSON endpoint of usage: calls by day and by token, and where today's limit stands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import ids
from accounts.fields import instant
from accounts.models import Organization
from accounts.tenancy import organization_id
from ratelimit import usage
from ratelimit.usage import DayUsage
from tokens.models import ServiceAccountToken
from tokens.usage_serializers import UsageQuery, UsageSerializer


@extend_schema(tags=["Usage"])
class UsageView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "usage.view"}

    @extend_schema(
        operation_id="readUsage",
        summary="Calls by day and by token",
        parameters=[UsageQuery],
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        """Days are UTC days. The request that asks is already counted."""
        query = UsageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        first, last = query.validated_data["first"], query.validated_data["last"]
        inside = organization_id(request)
        rows = usage.by_day(inside, first, last)
        names = dict(
            ServiceAccountToken.objects.filter(
                organization_id=inside, pk__in={row.subject for row in rows}
            ).values_list("pk", "name")
        )
        return Response(report(rows, names, first, last) | {"today": today(inside)})


def report(rows: Iterable[DayUsage], names: dict[UUID, str], first: date, last: date) -> dict[str, Any]:
    """The body without ``today``; written by hand, because a year of fifty tokens is 18,000 counts."""
    by_day: defaultdict[date, list[DayUsage]] = defaultdict(list)
    calls: Counter[UUID] = Counter()
    refused: Counter[UUID] = Counter()
    for row in rows:
        by_day[row.day].append(row)
        calls[row.subject] += row.calls
        refused[row.subject] += row.refused
    busiest = sorted(names, key=lambda pk: (-calls[pk], names[pk], pk))
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "calls": calls.total(),
        "refused": refused.total(),
        "days": [_day(day, by_day[day], names) for day in _days(first, last)],
        "tokens": [
            {"id": _token(pk), "name": names[pk], "calls": calls[pk], "refused": refused[pk]}
            for pk in busiest
        ],
    }


def today(inside: UUID) -> dict[str, Any]:
    limit = Organization.objects.select_related("plan").get(pk=inside).daily_limit
    found = usage.today(inside, limit)
    return {
        "limit": limit,
        "used": found.used,
        "remaining": found.remaining,
        "resetsAt": instant(found.resets_at),
    }


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _day(day: date, rows: list[DayUsage], names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "calls": sum(row.calls for row in rows),
        "refused": sum(row.refused for row in rows),
        "tokens": [
            {"id": _token(row.subject), "calls": row.calls, "refused": row.refused}
            for row in rows
            if row.subject in names
        ],
    }


def _token(pk: UUID) -> str:
    return ids.encode("tok", pk)
