"""Requests and responses of the OAuth endpoints, for the live documentation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tokens.oauth.token_endpoint import GRANT_TYPES


class ClientForm(serializers.Serializer[Any]):
    client_id = serializers.CharField(required=False, help_text="Omitted with HTTP Basic.")
    client_secret = serializers.CharField(required=False)


class TokenRequest(ClientForm):
    grant_type = serializers.ChoiceField(choices=GRANT_TYPES)
    refresh_token = serializers.CharField(required=False, help_text="With grant_type refresh_token.")
    scope = serializers.CharField(required=False, help_text="Separated by spaces; by default all.")


class TokenResponse(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="A signed JWT, RFC 9068.")
    token_type = serializers.CharField(help_text="`Bearer`.")
    expires_in = serializers.IntegerField(help_text="Seconds.")
    refresh_token = serializers.CharField()
    scope = serializers.CharField()


class RevocationRequest(ClientForm):
    token = serializers.CharField(help_text="An access or refresh token of this client.")
    token_type_hint = serializers.CharField(required=False, help_text="Not needed.")


class IntrospectionRequest(RevocationRequest):
    token = serializers.CharField(help_text="Any token.")


class Introspection(serializers.Serializer[Any]):
    active = serializers.BooleanField(help_text="If false, there are no other members.")
    scope = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    token_type = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False)
    iat = serializers.IntegerField(required=False)
    sub = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    org = serializers.CharField(required=False)
    allowed_addresses = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="The lists of addresses and networks that restrict the token: its own, its organization's "
        "or both. The caller's address must be in each of them. Missing if no list does.",
    )
