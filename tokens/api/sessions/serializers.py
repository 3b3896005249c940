"""JSON of the session endpoints. The names in responses are those of the seeds, in snake case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.drf.fields import CamelCase, Instant, Query, Secret, StrictSerializer, Text, instant
from accounts.drf.pagination import PageLinks
from accounts.models import Membership
from accounts.permissions.roles import Role
from tokens.grants.token_pair import TokenPair

LONGEST_PASSWORD = 1024


class Login(StrictSerializer):
    email = Text(max_length=254)
    password = Secret(max_length=LONGEST_PASSWORD)
    organization = Text(
        max_length=60,
        required=False,
        help_text="Id or slug; by default the organization that the person has belonged to longest.",
    )
    code = Text(
        max_length=40,
        required=False,
        help_text="Required if the second factor is on: from the app, or a recovery code.",
    )


class Refresh(serializers.Serializer[Any]):
    """A body with the refresh token. Unknown members are ignored."""

    refresh_token = Secret(max_length=200)


class SignedInUser(CamelCase):
    id = serializers.CharField()
    email = serializers.EmailField()
    name = serializers.CharField(help_text="Never empty: by default the local part of the email address.")
    role = serializers.ChoiceField(choices=Role.choices)
    organization_id = serializers.CharField()


class SignedIn(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(help_text="Can be used once; each response has the next one.")
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires.")
    user = SignedInUser()


class SupabaseUser(SignedInUser):
    """The members that Supabase's client reads, in addition to those of a sign-in."""

    aud = serializers.ChoiceField(choices=["authenticated"])
    created_at = serializers.DateTimeField()
    app_metadata = serializers.DictField()
    user_metadata = serializers.DictField()


class PasswordGranted(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires.")
    expires_at = serializers.IntegerField(help_text="Its expiry, in epoch seconds.")
    refresh_token = serializers.CharField(help_text="Can be used once; each response has the next one.")
    user = SupabaseUser()


class SessionOrganization(CamelCase):
    id = serializers.CharField(source="public_id")
    name = serializers.CharField()


class SessionSerializer(CamelCase):
    id = serializers.CharField(source="grant.public_id")
    device = serializers.CharField(help_text="A short description of its User-Agent.")
    user_agent = serializers.CharField(source="grant.user_agent")
    address = serializers.CharField(
        source="last_seen_ip", allow_null=True, help_text="Where it was last used from."
    )
    created_at = Instant(source="grant.created_at")
    last_seen_at = Instant()
    expires_at = Instant(source="grant.expires_at", help_text="Its expiry, which a refresh does not change.")
    current = serializers.BooleanField(help_text="Whether it is the session of this request.")
    organization = SessionOrganization(source="grant.organization")


class SessionPage(PageLinks):
    results = SessionSerializer(many=True)


class EndQuery(Query):
    all = serializers.BooleanField(default=False, help_text="End the session of this request as well.")


def signed_in(tokens: TokenPair, member: Membership) -> dict[str, Any]:
    """Return the body of SignedIn."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "user": _user(member),
    }


def password_granted(tokens: TokenPair, member: Membership, now: datetime) -> dict[str, Any]:
    """Return the body of PasswordGranted."""
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
