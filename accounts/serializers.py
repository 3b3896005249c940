"""The JSON of organizations and members."""

from __future__ import annotations

from rest_framework import serializers

from accounts.fields import Body, CamelCase, Flag, Instant, String, Text
from accounts.paging import PageLinks
from accounts.roles import Role


class PersonSerializer(CamelCase):
    """A person as colleagues see them."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="display_name")
    email = serializers.EmailField()


class PlanSerializer(CamelCase):
    """What an organization may spend a day, its own number included; null is unlimited."""

    id = serializers.CharField(source="plan.slug")
    name = serializers.CharField(source="plan.name")
    requests_per_day = serializers.IntegerField(source="daily_limit", allow_null=True)
    burst_per_minute = serializers.IntegerField(source="plan.burst_per_minute", allow_null=True)


class OrganizationSerializer(CamelCase):
    """An organization as its own people and programs see it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    slug = serializers.CharField()
    plan = PlanSerializer(source="*")
    publishable_key = serializers.CharField(help_text="Names the organization; it grants nothing.")
    never_expiring_tokens_allowed = serializers.BooleanField(source="never_expiring_allowed")
    created_at = Instant()


class OrganizationChange(Body):
    """What of an organization may change here; the rest of it stays."""

    unknown = "This cannot be changed here."

    name = Text(max_length=100, required=False)
    never_expiring_tokens_allowed = Flag(source="never_expiring_allowed", required=False)


class MemberSerializer(CamelCase):
    """A person in this organization."""

    id = serializers.CharField(source="public_id")
    role = serializers.ChoiceField(choices=Role.choices)
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Permissions beyond those of the role."
    )
    user = PersonSerializer()
    joined_at = Instant()
    last_seen_at = Instant(allow_null=True)


class Heir(Body):
    """Who is to own the organization."""

    member_id = String(max_length=100)


class MemberPage(PageLinks):
    """One page of members."""

    results = MemberSerializer(many=True)
