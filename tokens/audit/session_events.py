"""Audit events of people's API sessions, and of refresh token reuse."""

from __future__ import annotations

from uuid import UUID

from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import User
from accounts.permissions.actor import SYSTEM, Actor
from tokens import user_agent
from tokens.models import Grant


def opened(grant: Grant, user: User) -> None:
    log.record(
        organization_id=grant.organization_id,
        action="session.opened",
        actor=Actor.of_user(user),
        target=_target(grant),
        changes={"method": grant.get_kind_display()},
    )


def ended(grant: Grant, actor: Actor, reason: str) -> None:
    log.record(
        organization_id=grant.organization_id,
        action="session.ended",
        actor=actor,
        target=_target(grant),
        changes={"reason": reason},
    )


def all_ended(
    organization_id: UUID, user: User, number: int, reason: str, actor: Actor | None = None
) -> None:
    """Record the end of several sessions of one person, who is the actor by default."""
    log.record(
        organization_id=organization_id,
        action="sessions.ended",
        actor=actor or Actor.of_user(user),
        target=Target("user", user.public_id, user.display_name),
        changes={"sessionsEnded": number, "reason": reason},
    )


def reuse_detected(grant: Grant) -> None:
    """Record the revocation of the grant. The actor is the system, because the sender is not known."""
    owner = grant.client.name if grant.client else grant.user.display_name if grant.user else ""
    log.record(
        organization_id=grant.organization_id,
        action="refresh.reuse_detected",
        actor=SYSTEM,
        target=Target("session", grant.public_id, owner),
        changes={"method": grant.get_kind_display(), "grantsEnded": 1},
    )


def _target(grant: Grant) -> Target:
    return Target("session", grant.public_id, user_agent.summary(grant.user_agent))
