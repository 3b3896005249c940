"""Links from the audit log to the pages of API tokens and OAuth clients."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from accounts import typeid
from accounts.pages.audit_log_links import DESTINATIONS, Destination
from tokens.models import OAuthClient, ServiceAccountToken


def connect() -> None:
    DESTINATIONS["tok"] = Destination("tokens.view", _tokens, _of_token)
    DESTINATIONS["cli"] = Destination("clients.view", _clients, _of_client)


def _tokens(organization_id: UUID) -> QuerySet[ServiceAccountToken]:
    return ServiceAccountToken.objects.filter(organization_id=organization_id)


def _clients(organization_id: UUID) -> QuerySet[OAuthClient]:
    return OAuthClient.objects.filter(organization_id=organization_id, deleted_at=None)


def _of_token(pk: UUID) -> str:
    return reverse("token_detail", args=[typeid.encode("tok", pk)])


def _of_client(pk: UUID) -> str:
    return reverse("client_detail", args=[typeid.encode("cli", pk)])
