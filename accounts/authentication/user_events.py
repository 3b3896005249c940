"""Audit events about a user, recorded in each organization that the user belongs to."""

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

from accounts.audit import log, request_context
from accounts.audit.log import Target
from accounts.audit.request_context import RequestContext
from accounts.models import Membership, User
from accounts.permissions.actor import Actor

logger = logging.getLogger(__name__)

# Actor of an unauthenticated request.
ANONYMOUS = Actor(type="anonymous", id=None, name="Not signed in")

_failed: ContextVar[tuple[RequestContext, str] | None] = ContextVar("failed", default=None)


@transaction.atomic
@log.batched()
def record(action: str, user: User, actor: Actor | None = None, **changes: Any) -> None:
    """Record an event in each organization of the user, who is the actor unless another one is given."""
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
    """Record the failure once the response is sent, whose time must not reveal whether an account exists.

    The rate limits of sign-in bound the number of events.
    """
    _failed.set((request_context.current(), email))


@contextmanager
def failing(email: str) -> Iterator[None]:
    """Record a failed sign-in of the address if the block raises."""
    try:
        yield
    except Exception:
        sign_in_failed(email)
        raise


@receiver(request_finished, dispatch_uid="accounts.record_failure")
def record_failure(**_: Any) -> None:
    """Write the event of a failed sign-in; an unknown address has no organization and gets none."""
    found = _failed.get()
    _failed.set(None)
    if found is None or found[0] is not request_context.current():
        return
    try:
        user = User.objects.filter(email=User.objects.spelling_of(found[1])).first()
        if user is not None:
            record("user.sign_in_failed", user, ANONYMOUS)
    except DatabaseError:
        # The response is already sent, so the error can only be logged.
        logger.exception("A failed sign-in could not be recorded")


@receiver(post_save, sender=Authenticator, dispatch_uid="accounts.second_factor_added")
def second_factor_added(instance: Authenticator, created: bool, **_: Any) -> None:
    """Record a new second factor. allauth also saves the row at each use, which is not recorded."""
    if created:
        record("user.mfa_enabled", instance.user, method=str(instance.get_type_display()))


@receiver(post_delete, sender=Authenticator, dispatch_uid="accounts.second_factor_removed")
def second_factor_removed(instance: Authenticator, origin: Any, **_: Any) -> None:
    """Record the removal of one factor. A reset by staff and the deletion of a user have their own events."""
    if isinstance(origin, Authenticator):
        record("user.mfa_disabled", instance.user, method=str(instance.get_type_display()))
