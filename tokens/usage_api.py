"""The JSON endpoint of usage: calls by day, token and client, and what is left of today's limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from tokens.models import OAuthClient, ServiceAccountToken
from tokens.usage_serializers import UsageQuery, UsageSerializer


@extend_schema(tags=["Usage"])
class UsageView(APIView):
    scopes: ClassVar[dict[str, str | None]] = {"GET": "usage.view"}

    @extend_schema(
        operation_id="readUsage",
        summary="Calls by day, token and client",
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
        used = {row.subject for row in rows}
        tokens = ServiceAccountToken.objects.filter(organization_id=inside, pk__in=used)
        clients = OAuthClient.objects.filter(organization_id=inside, pk__in=used)
        programs = Programs(dict(tokens.values_list("pk", "name")), dict(clients.values_list("pk", "name")))
        return Response(report(rows, programs, first, last) | {"today": today(inside)})


@dataclass(frozen=True, slots=True)
class Programs:
    """The names of the tokens and clients that were used; any other subject is a person's session."""

    tokens: dict[UUID, str]
    clients: dict[UUID, str]


@dataclass(slots=True)
class Count:
    calls: int = 0
    refused: int = 0

    def add(self, row: DayUsage) -> None:
        self.calls += row.calls
        self.refused += row.refused


def report(rows: Iterable[DayUsage], programs: Programs, first: date, last: date) -> dict[str, Any]:
    """The body without ``today``; written by hand, because a year of fifty tokens is 18,000 counts."""
    by_day: defaultdict[date, dict[UUID, Count]] = defaultdict(dict)
    total: defaultdict[UUID, Count] = defaultdict(Count)
    for row in rows:
        by_day[row.day].setdefault(row.subject, Count()).add(row)
        total[row.subject].add(row)
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        **_sum(total.values()),
        "days": [_day(day, by_day[day], programs) for day in _days(first, last)],
        "tokens": _busiest("tok", programs.tokens, total),
        "clients": _busiest("cli", programs.clients, total),
        "people": _people(total, programs),
    }


def _day(day: date, counts: Mapping[UUID, Count], programs: Programs) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        **_sum(counts.values()),
        "tokens": _of("tok", programs.tokens, counts),
        "clients": _of("cli", programs.clients, counts),
        "people": _people(counts, programs),
    }


def _of(prefix: str, names: Mapping[UUID, str], counts: Mapping[UUID, Count]) -> list[dict[str, Any]]:
    return [{"id": ids.encode(prefix, pk), **_sum([one])} for pk, one in counts.items() if pk in names]


def _busiest(prefix: str, names: Mapping[UUID, str], counts: Mapping[UUID, Count]) -> list[dict[str, Any]]:
    order = sorted(names, key=lambda pk: (-counts[pk].calls, names[pk], pk))
    return [{"id": ids.encode(prefix, pk), "name": names[pk], **_sum([counts[pk]])} for pk in order]


def _people(counts: Mapping[UUID, Count], programs: Programs) -> dict[str, int]:
    known = programs.tokens.keys() | programs.clients.keys()
    return _sum(count for subject, count in counts.items() if subject not in known)


def _sum(counts: Iterable[Count]) -> dict[str, int]:
    found = list(counts)
    return {"calls": sum(one.calls for one in found), "refused": sum(one.refused for one in found)}


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
