"""Notices that a superseded secret was used after its overlap, to those who can find the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from accounts.audit import request_context
from accounts.models import Organization
from accounts.models.notice import Notice, NoticeKind
from accounts.notifications import notices
from accounts.notifications.notices import Mailing
from accounts.permissions.roles import Role
from ratelimit.usage import refused_uses
from tokens.models import ServiceAccountToken, TokenSecret
from tokens.notifications import rotation_emails
from tokens.notifications.token_created import MANAGE


def enqueue(secret: TokenSecret, cause: str, day: str, now: datetime) -> bool:
    """Store the token's notice of that UTC day. Returns False if there is one, by any process.

    Uses are counted under ``cause``. The mail has the count as of when it is written.
    """
    facts = {
        "secret": secret.last_four,
        "cause": cause,
        "address": request_context.current().address,
    }
    _, is_new = Notice.objects.get_or_create(
        kind=NoticeKind.SUPERSEDED_USED,
        subject=secret.token_id,
        mark=day,
        defaults={
            "organization_id": secret.token.organization_id,
            "facts": facts,
            "created_at": now,
            "claimed_until": now,
        },
    )
    return is_new


def compose(organization: Organization, pending: Sequence[Notice], now: datetime) -> Iterator[Mailing]:
    """Compose an email for each token: to owners, admins who manage tokens, and the responsible member."""
    managers = notices.receivers(organization.pk, Role.OWNER, Role.ADMIN, wanted=MANAGE)
    chosen = ServiceAccountToken.objects.filter(pk__in={one.subject for one in pending}).with_people()
    tokens = {token.pk: token for token in chosen}
    for one in pending:
        if token := tokens.get(one.subject):
            uses = refused_uses.by_address(organization.pk, token.pk, one.facts["cause"], now=now)
            member = None if token.is_orphaned else token.responsible
            responsible = [member.user.email] if member else []
            email = rotation_emails.superseded_used(organization, token, one.facts, uses)
            yield Mailing(email, list(dict.fromkeys([*managers, *responsible])))
