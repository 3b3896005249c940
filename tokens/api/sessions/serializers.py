"""The JSON of the session doors; the names of their answers are those of the seeds, in snake case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.drf.fields import CamelCase, Instant, Query, Secret, StrictSerializer, Text, instant
from accounts.drf.pagination import PageLinks
from accounts.models import Membership
from accounts.permissions.roles import Role
from tokens.grants.engine import Tokens

LONGEST_PASSWORD = 1024


class Login(StrictSerializer):
    email = Text(max_length=254)
    password = Secret(max_length=LONGEST_PASSWORD)
    organization = Text(
        max_length=60,
        required=False,
        help_text="Id or slug; left out, it is the organization that the person has belonged to longest.",
    )
    code = Text(
        max_length=40,
        required=False,
        help_text="Where the second factor is on: from the app, or a recovery code.",
    )


class Refresh(serializers.Serializer[Any]):
    """Another name than ``refresh_token`` is an error of that field."""

    refresh_token = Secret(max_length=200)


class SignedInUser(CamelCase):
    id = serializers.CharField()
    email = serializers.EmailField()
    name = serializers.CharField(help_text="Never empty: the address's local part where none was given.")
    role = serializers.ChoiceField(choices=Role.choices)
    organization_id = serializers.CharField()


class SignedIn(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(help_text="Works once; each answer brings the next.")
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")
    user = SignedInUser()


class SupabaseUser(SignedInUser):
    """The names that Supabase's own client reads, beside those of a sign-in."""

    aud = serializers.ChoiceField(choices=["authenticated"])
    created_at = serializers.DateTimeField()
    app_metadata = serializers.DictField()
    user_metadata = serializers.DictField()


class PasswordGranted(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")
    expires_at = serializers.IntegerField(help_text="When it ends, in seconds of the epoch.")
    refresh_token = serializers.CharField(help_text="Works once; each answer brings the next.")
    user = SupabaseUser()


class SessionOrganization(CamelCase):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()


class SessionSerializer(CamelCase):
    id = serializers.CharField(source="grant.public_id")
    device = serializers.CharField(help_text="The client in a few words, as it named itself.")
    user_agent = serializers.CharField(source="grant.user_agent")
    address = serializers.CharField(
        source="last_seen_ip", allow_null=True, help_text="Where it was last used from."
    )
    created_at = Instant(source="grant.created_at")
    last_seen_at = Instant()
    expires_at = Instant(source="grant.expires_at", help_text="Its end, which no refresh moves.")
    current = serializers.BooleanField(help_text="Whether it is the one that asks.")
    organization = SessionOrganization(source="grant.organization")


class SessionPage(PageLinks):
    results = SessionSerializer(many=True)


class EndQuery(Query):
    all = serializers.BooleanField(default=False, help_text="End the session that asks as well.")


def signed_in(tokens: Tokens, member: Membership) -> dict[str, Any]:
    """The body of SignedIn."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "user": _user(member),
    }


def password_granted(tokens: Tokens, member: Membership, now: datetime) -> dict[str, Any]:
    """The body of PasswordGranted."""
    user = {
        **_user(member),
        "aud": "authenticated",
        "created_at": instant(member.user.date_joined),
        "app_metadata": {"provider": "email"},
        "user_metadata": {"name": member.user.display_name},
    }
    return {
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": tokens.expires_in,
        "expires_at": int(now.timestamp()) + tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "user": user,
    }


def _user(member: Membership) -> dict[str, Any]:
    return {
        "id": member.user.public_id,
        "email": member.user.email,
        "name": member.user.display_name,
        "role": member.role,
        "organizationId": member.organization.public_id,
    }
