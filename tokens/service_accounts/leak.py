"""Reports of secrets that were found in public, and what the organization's policy does about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import log
from accounts.models import Organization
from accounts.permissions.actor import SYSTEM, Actor
from tokens.audit import client_events, token_events
from tokens.crypto import opaque
from tokens.models import ClientSecret, ServiceAccountToken, TokenSecret
from tokens.notifications import secret_leaked
from tokens.notifications.secret_leaked import Finding, Outcome
from tokens.service_accounts import pasted
from tokens.service_accounts.revoke import end_secrets, stop

UNNAMED = "an unnamed source"
HOST = re.compile(r"[a-z0-9.:-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Report:
    """Where a secret was found, without the secret. ``host`` is that of the page, or ""."""

    source: str
    host: str
    actor: Actor
    now: datetime | None

    @property
    def reason(self) -> str:
        """The reason of a revocation."""
        return f"Found in public: {self.source}"


def report(
    *, secret: str, source: str, url: str = "", actor: Actor = SYSTEM, now: datetime | None = None
) -> None:
    """Revoke a published API token or OAuth client secret, or only notify, as the organization's policy says.

    Of a token that is being rotated, the superseded secret ends alone.

    Returns None for any text. A valid secret takes longer, but asking so costs the caller the secret or
    mails its owners. A repeated report changes nothing.
    """
    described = Report(_without_secret(source) or UNNAMED, _without_secret(_host(url)), actor, now)
    digest = opaque.digest(secret)
    tokens = TokenSecret.objects.filter(digest=digest).values_list("pk", "token__organization_id")
    clients = ClientSecret.objects.filter(digest=digest).values_list("pk", "client__organization_id")
    for pk, organization_id in tokens:
        _report_token(pk, organization_id, described)
    for pk, organization_id in clients:
        _report_client_secret(pk, organization_id, described)


@transaction.atomic
@log.batched()
def _report_token(secret_id: int, organization_id: UUID, described: Report) -> None:
    organization = _locked(organization_id)
    found = TokenSecret.objects.select_related("token__responsible__user").filter(pk=secret_id).first()
    if organization is None or found is None:
        return
    now = described.now or timezone.now()
    token, outcome = found.token, _outcome_of_token(found, organization, now)
    if outcome is Outcome.ENDED and token.leaked_at is not None:
        return
    chosen = ServiceAccountToken.objects.filter(pk=token.pk)
    if outcome.is_news and (token.leaked_at is None or token.leaked_at < found.created_at):
        chosen.update(leaked_at=now, leak_source=described.source)
    if outcome is Outcome.REVOKED:
        stop(chosen, actor=described.actor, reason=described.reason, now=now)
    elif outcome is Outcome.ROTATED and found.is_valid(now):
        _end_overlap(found, described.actor, now)
    finding = Finding(outcome, described.source, described.host, found.prefix, found.last_four)
    if secret_leaked.enqueue(organization, token.pk, found.pk, finding, now):
        token_events.leaked(token, described.actor, finding.changes(organization))


def _end_overlap(found: TokenSecret, actor: Actor, now: datetime) -> None:
    """End the superseded secret alone, because the token's present one was not found."""
    TokenSecret.objects.filter(pk=found.pk).update(valid_until=now)
    Organization.objects.advance([found.token.organization_id])
    token_events.rotation_finished(found.token, actor, found)


@transaction.atomic
@log.batched()
def _report_client_secret(secret_id: int, organization_id: UUID, described: Report) -> None:
    organization = _locked(organization_id)
    found = ClientSecret.objects.select_related("client").filter(pk=secret_id).first()
    if organization is None or found is None:
        return
    now = described.now or timezone.now()
    is_over = found.ends_at is not None and found.ends_at <= now
    outcome = Outcome.ROTATED if is_over else Outcome.of_policy(organization)
    finding = Finding(outcome, described.source, described.host, "", found.last_four)
    is_first = secret_leaked.enqueue(organization, found.client_id, found.pk, finding, now)
    if outcome is Outcome.REVOKED:
        end_secrets([found], actor=described.actor, reason=described.reason, now=now)
        # Even if no grant was revoked, because one may have been opened meanwhile.
        Organization.objects.advance([organization_id])
    if is_first:
        client_events.secret_leaked(found.client, described.actor, finding.changes(organization))


def _locked(organization_id: UUID) -> Organization | None:
    """Lock the organization; None if it was deleted, because its secrets have ended."""
    try:
        return Organization.objects.locked(organization_id)
    except Organization.DoesNotExist:
        return None


def _outcome_of_token(found: TokenSecret, organization: Organization, now: datetime) -> Outcome:
    if found.token.status(now).is_final:
        return Outcome.ENDED
    policy = Outcome.of_policy(organization)
    is_replaced = found.superseded_at is not None and policy is Outcome.REVOKED
    return Outcome.ROTATED if is_replaced or not found.is_valid(now) else policy


def _without_secret(text: str) -> str:
    """Return the text, or "" if it may hold a part of a secret, which is never stored or mailed."""
    return "" if pasted.is_part_of_secret(text) else text


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host if HOST.fullmatch(host) else ""
