"""JSON of usage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.drf.fields import CamelCase, Instant, Query

DAYS = 30
MOST_DAYS = 366
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Day(serializers.DateField):
    """A date in the form YYYY-MM-DD only."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class UsageQuery(Query):
    """``from`` and ``to``, both included."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = Day(required=False, help_text=f"The first day; by default {DAYS} days up to `to`.")
        last = Day(required=False, help_text="The last day, in UTC; by default today.")
        return {"from": first, "to": last}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return checked_range(attrs, DAYS, MOST_DAYS, f"A report covers at most {MOST_DAYS} days.")


def checked_range(attrs: Mapping[str, Any], days: int, most: int, sentence: str) -> dict[str, date]:
    """Return the ``first`` day, by default ``days`` days up to the last, and the ``last``, by default today.

    Raises ValidationError with ``sentence`` for more than ``most`` days.
    """
    last: date = attrs.get("to", timezone.now().astimezone(UTC).date())
    first: date | None = attrs.get("from")
    if first is None:
        first = date.fromordinal(max(1, last.toordinal() - days + 1))
    if first > last:
        raise serializers.ValidationError({"from": ["The first day must not be after the last."]})
    if last - first >= timedelta(days=most):
        raise serializers.ValidationError({"from": [sentence]})
    return {"first": first, "last": last}


class CountSerializer(CamelCase):
    """Numbers of requests."""

    calls = serializers.IntegerField(help_text="Accepted requests.")
    refused = serializers.IntegerField(help_text="Requests over a limit.")


class ProgramCountSerializer(CountSerializer):
    """Requests of one token or client."""

    id = serializers.CharField()


class NamedCountSerializer(ProgramCountSerializer):
    """Requests of one token or client over the range."""

    name = serializers.CharField()


class DaySerializer(CountSerializer):
    """Requests of one UTC day."""

    date = serializers.DateField()
    tokens = ProgramCountSerializer(many=True, help_text="Tokens that were used on this day.")
    clients = ProgramCountSerializer(many=True, help_text="OAuth clients that were used on this day.")
    people = CountSerializer(help_text="All sessions of people together.")


class TodaySerializer(CamelCase):
    """The plan's daily quota, as in the X-RateLimit headers."""

    limit = serializers.IntegerField(allow_null=True, help_text="null is unlimited.")
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)
    resets_at = Instant()


class UsageSerializer(CountSerializer):
    """Requests of tokens, OAuth clients and people; ``calls`` and ``refused`` are their sums."""

    first = serializers.DateField()
    last = serializers.DateField()
    days = DaySerializer(many=True, help_text="Every day of the range, the oldest first.")
    tokens = NamedCountSerializer(many=True, help_text="Over the range, the busiest first.")
    clients = NamedCountSerializer(many=True, help_text="Over the range, the busiest first.")
    people = CountSerializer(help_text="All sessions of people together.")
    today = TodaySerializer()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        fields["from"], fields["to"] = fields.pop("first"), fields.pop("last")
        fields["from"].source, fields["to"].source = "first", "last"
        return fields
