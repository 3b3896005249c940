"""What the audit log is told about a person: an event in each organization that they belong to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.signals import request_finished
from django.db import DatabaseError, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from accounts import request_context
from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import Membership, User
from accounts.permissions.actor import Actor
from accounts.request_context import RequestContext

logger = logging.getLogger(__name__)

# Somebody at a door, who has not proven to be anybody.
ANONYMOUS = Actor(type="anonymous", id=None, name="Not signed in")

# Set on a second factor by a flow of somebody else's that removes it and tells so by itself.
REMOVED_BY = "_removed_by"

_failed: ContextVar[tuple[RequestContext, str] | None] = ContextVar("failed", default=None)


@transaction.atomic
@log.batched()
def record(action: str, user: User, actor: Actor | None = None, **changes: Any) -> None:
    """One event in each organization of the person, who acts by themselves where nobody else is named."""
    mine = Membership.objects.filter(user_id=user.pk, organization__deleted_at=None)
    for organization_id in mine.values_list("organization_id", flat=True):
        log.record(
            organization_id=organization_id,
            action=action,
            actor=actor or Actor.of_user(user),
            target=Target("user", user.public_id, user.display_name),
            changes=changes,
        )


def sign_in_failed(email: str) -> None:
    """Keep a failure until the answer has left: nothing before that may depend on who has an account.

    The limits on sign-ins bound how many there are.
    """
    _failed.set((request_context.current(), email))


@contextmanager
def failing(email: str) -> Iterator[None]:
    """Whatever is raised inside says that a proof of the person was wrong."""
    try:
        yield
    except Exception:
        sign_in_failed(email)
        raise


@receiver(request_finished, dispatch_uid="accounts.record_failure")
def record_failure(**_: Any) -> None:
    """An unknown account belongs to no organization, and leaves no trace."""
    found = _failed.get()
    _failed.set(None)
    if found is None or found[0] is not request_context.current():
        return
    try:
        user = User.objects.filter(email=User.objects.spelling_of(found[1])).first()
        if user is not None:
            record("user.sign_in_failed", user, ANONYMOUS)
    except DatabaseError:
        # The answer has left already, and nobody is there to be told but us.
        logger.exception("A failed sign-in could not be recorded")


@receiver(post_save, sender=Authenticator, dispatch_uid="accounts.second_factor_added")
def second_factor_added(instance: Authenticator, created: bool, **_: Any) -> None:
    """Every door to a second factor saves one of these rows, and so does each use of it."""
    if created:
        record("user.mfa_enabled", instance.user, method=str(instance.get_type_display()))


@receiver(post_delete, sender=Authenticator, dispatch_uid="accounts.second_factor_removed")
def second_factor_removed(instance: Authenticator, origin: Any, **_: Any) -> None:
    """One that goes with its person is told by the person's end, and one that staff reset by the reset."""
    if isinstance(origin, User) or getattr(origin, "model", None) is User or hasattr(instance, REMOVED_BY):
        return
    record("user.mfa_disabled", instance.user, method=str(instance.get_type_display()))
