"""Accounts without a verified address that were never used. They must not block the address's owner.

Sign-ups create none; an earlier version did, and so does a row inserted by hand.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.validation import addresses


def unproven() -> QuerySet[User]:
    """Users without verified address and membership who never signed in and are not staff."""
    proven = Q(emailaddress__verified=True) | Q(is_staff=True) | Q(is_superuser=True)
    return User.objects.filter(memberships=None, last_login=None).exclude(proven)


def is_taken(email: str) -> bool:
    """Whether the address has an account that a sign-up must leave alone."""
    spellings = addresses.spellings(email)
    made_room = unproven().filter(email__in=spellings)
    return User.objects.filter(email__in=spellings).exclude(pk__in=made_room).exists()


def delete_unverified(email: str, user: User | None = None) -> None:
    """Delete an unverified account of the address, whose owner has just verified it."""
    found = unproven().filter(email__in=addresses.spellings(email))
    (found.exclude(pk=user.pk) if user else found).delete()


def prune(before: datetime) -> int:
    """Delete those created before then; return how many."""
    found = unproven().filter(date_joined__lt=before)
    return (
        User.objects.filter(pk__in=list(found.values_list("pk", flat=True)))
        .delete()[1]
        .get("accounts.User", 0)
    )
