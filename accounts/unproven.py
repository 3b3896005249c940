"""Accounts whose address nobody has proven: they belong to whoever signs up last."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User


def unproven() -> QuerySet[User]:
    """No proven address, no place anywhere, never signed in, and no staff."""
    proven = Q(emailaddress__verified=True) | Q(is_staff=True) | Q(is_superuser=True)
    return User.objects.filter(memberships=None, last_login=None).exclude(proven)


def make_room(email: str, user: User) -> None:
    """Delete an unproven account of the address, now that this other person has proven it."""
    unproven().filter(email=email).exclude(pk=user.pk).delete()


def prune(before: datetime) -> int:
    """Delete those that were made before then; returns how many."""
    found = unproven().filter(date_joined__lt=before)
    return (
        User.objects.filter(pk__in=list(found.values_list("pk", flat=True)))
        .delete()[1]
        .get("accounts.User", 0)
    )
