"""User accounts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import typeid
from accounts.audit import log
from accounts.crypto.password_text import normalized, spellings
from accounts.models.signals import user_saving
from accounts.permissions.actor import SYSTEM, Actor
from accounts.validation import addresses


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=addresses.normalized(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=self.spelling_of(username or ""))

    def spelling_of(self, email: str) -> str:
        """Return the address as its account stores it, or its normal form if it has no account."""
        spellings = addresses.spellings(email)
        if len(spellings) == 1:
            return spellings[0]
        found = set(self.filter(email__in=spellings).values_list("email", flat=True))
        return next((one for one in spellings if one in found), addresses.normalized(email))


class User(AbstractBaseUser, PermissionsMixin):
    """A user account, identified by an email address in its stored form (accounts.validation.addresses)."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Each grant stores the version it was issued under, so that a new password revokes them all.
    password_version = models.PositiveIntegerField(default=0, editable=False)
    # Kept for accounts that an earlier version created before their address was verified.
    wanted_organization = models.CharField(max_length=100, blank=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),)

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, actor: Actor = SYSTEM, **kwargs: Any) -> None:
        """Save in one transaction with what the change revokes; its audit events are written last.

        ``actor`` deactivates the user or ends the sessions.
        """
        with transaction.atomic(), log.batched():
            fields = kwargs.get("update_fields")
            user_saving.send(sender=User, instance=self, actor=actor, update_fields=fields)
            super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalized(raw_password))
        self.end_sessions()

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether the password is right, in its normal form or as typed: older hashes have the latter.

        Django replaces an outdated hash here. The version stays, because the password is the same.
        """
        version = self.password_version
        is_right = any(super(User, self).check_password(text) for text in spellings(raw_password or ""))
        self.password_version = version
        return is_right

    def end_sessions(self) -> None:
        """End all sessions and grants of the user, browsers included, once this is saved."""
        # Random and not incremented: two concurrent changes must not result in the same number.
        self.password_version = secrets.randbelow(2**31 - 1) + 1

    def get_session_auth_hash(self) -> str:
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | None) -> str:
        """Return the digest of password and version that a browser session must still match."""
        value = f"{self.password}:{self.password_version}"
        return salted_hmac("accounts.User.session", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def public_id(self) -> str:
        return typeid.encode("usr", self.id)

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]
