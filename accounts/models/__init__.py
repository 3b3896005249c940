"""People, organizations and who belongs where."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import addresses, locking, typeid
from accounts.audit import log
from accounts.audit.models import AuditChain, AuditEvent
from accounts.models.index import EndUser, EndUserCount, Index
from accounts.models.invitation import Invitation
from accounts.models.known_network import KnownNetwork
from accounts.models.mailed_claim import MailedClaim, MailedLink
from accounts.models.notice import Notice, NoticeKind
from accounts.models.outbox import OutboxMail
from accounts.password_text import normalized, spellings
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from accounts.permissions.scopes import ScopeSet
from ratelimit import invalidation
from ratelimit.models import Plan

BASE62 = string.ascii_letters + string.digits
PUBLISHABLE_PREFIX = "tsr_pk_"

__all__ = [
    "AuditChain",
    "AuditEvent",
    "EndUser",
    "EndUserCount",
    "Index",
    "Invitation",
    "KnownNetwork",
    "MailedClaim",
    "MailedLink",
    "Membership",
    "Notice",
    "NoticeKind",
    "Organization",
    "OutboxMail",
    "User",
]


def new_publishable_key() -> str:
    """Names an organization to the password grant; it grants nothing and is no secret."""
    return PUBLISHABLE_PREFIX + "".join(secrets.choice(BASE62) for _ in range(43))


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
        """How the account of the address stores it; the normal form where there is none."""
        spellings = addresses.spellings(email)
        if len(spellings) == 1:
            return spellings[0]
        found = set(self.filter(email__in=spellings).values_list("email", flat=True))
        return next((one for one in spellings if one in found), addresses.normalized(email))


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address in its stored form (accounts.addresses)."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Grants carry the number they were made under, so that a new password ends them all by itself.
    password_version = models.PositiveIntegerField(default=0, editable=False)
    # Of an account that the version before made for an address that is not proven yet.
    wanted_organization = models.CharField(max_length=100, blank=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    # Who deactivates this person, or ends their sessions, where a flow has said so before it saves.
    ended_by: Actor = SYSTEM

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),)

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """What ends with a deactivated person ends in the same transaction, and is told last of all."""
        with transaction.atomic(), log.batched():
            super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalized(raw_password))
        self.end_sessions()

    def check_password(self, raw_password: str | None) -> bool:
        """Also by what was typed where that is no normal form: older hashes are made of it.

        An outdated hash is replaced in passing, and the version stays: the password is the same.
        """
        version = self.password_version
        is_right = any(super(User, self).check_password(text) for text in spellings(raw_password or ""))
        self.password_version = version
        return is_right

    def end_sessions(self) -> None:
        """End everything the person is signed in by, browsers included, once this is saved."""
        # Drawn and not counted up: two changes at once must not arrive at the same number.
        self.password_version = secrets.randbelow(2**31 - 1) + 1

    def get_session_auth_hash(self) -> str:
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | None) -> str:
        """What a browser's session must still agree with: the password, and that nothing ended it since."""
        value = f"{self.password}:{self.password_version}"
        return salted_hmac("accounts.User.session", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def public_id(self) -> str:
        return typeid.encode("usr", self.id)

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def not_deleted(self) -> OrganizationQuerySet:
        """Not deleted: what is deleted waits for its purge, and nobody may find it."""
        return self.filter(deleted_at=None)

    def locked(self, organization_id: UUID) -> Organization:
        """Take the lock of everything that counts or orders within an organization.

        Call inside a transaction and before any other row's lock; raises DoesNotExist, also once deleted.
        """
        with locking.extended_lock_timeout():
            return self.not_deleted().select_for_update(no_key=True).get(pk=organization_id)

    def lock_all(self, organization_ids: Iterable[UUID]) -> None:
        """Take the locks of several, always in the order of their ids; one that is gone is passed over."""
        chosen = self.filter(pk__in=set(organization_ids)).order_by("pk")
        with locking.extended_lock_timeout():
            list(chosen.select_for_update(no_key=True).values_list("pk"))

    def advance(self, organization_ids: Iterable[UUID]) -> None:
        """Count one generation more and tell every worker, because something was taken away.

        The caller holds the locks. What the store cannot be told raises StoreUnavailable after the commit.
        """
        chosen = self.filter(pk__in=set(organization_ids))
        chosen.update(generation=F("generation") + 1)
        invalidation.begin(dict(chosen.values_list("pk", "generation")))

    def confirm(self, organization_ids: Iterable[UUID]) -> None:
        """Tell every worker again what was taken away before."""
        invalidation.republish(
            dict(self.filter(pk__in=set(organization_ids)).values_list("pk", "generation"))
        )


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, max_length=60)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="organizations")
    requests_per_day = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="This organization's own number; empty means the plan's."
    )
    publishable_key = models.CharField(max_length=60, unique=True, default=new_publishable_key)
    never_expiring_allowed = models.BooleanField(
        "tokens without an expiry allowed",
        default=True,
        help_text="Whether API tokens without an expiry may be created.",
    )
    longest_token_days = models.PositiveSmallIntegerField(
        "longest life of a token in days",
        null=True,
        blank=True,
        help_text="How long a new API token may live at most; empty means 365 days.",
    )
    mfa_required = models.BooleanField(
        "second factor required", default=False, help_text="Members work here with a second factor only."
    )
    sso_required = models.BooleanField(
        "single sign-on required", default=False, help_text="Members sign in by single sign-on only."
    )
    sso_provider = models.CharField(
        "single sign-on provider",
        max_length=30,
        blank=True,
        help_text="The only provider that single sign-on may use; empty means any.",
    )
    sso_tenant = models.CharField(
        "single sign-on tenant",
        max_length=253,
        blank=True,
        help_text="The provider's tenant: Microsoft's tenant id, Google's domain, or an issuer.",
    )
    email_domains = models.JSONField(
        "e-mail domains",
        default=list,
        blank=True,
        help_text="Only addresses of these domains may be invited; empty means any.",
    )
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    generation = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    # Who deletes the organization, where a flow has said so before it saves.
    ended_by: Actor = SYSTEM

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return typeid.encode("org", self.id)

    @property
    def daily_limit(self) -> int | None:
        """Requests a day; None is unlimited."""
        return self.plan.requests_per_day if self.requests_per_day is None else self.requests_per_day

    @property
    def endless_tokens_allowed(self) -> bool:
        """Whether a token may have no expiry: the longest life that is allowed forbids it as well."""
        return self.never_expiring_allowed and self.longest_token_days is None


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(user__is_active=True)

    def of(self, user: User) -> MembershipQuerySet:
        """A person's memberships with their organizations, oldest first; a deleted one opens nothing."""
        mine = self.filter(user=user, organization__deleted_at=None)
        return mine.select_related("organization__plan").order_by("joined_at", "pk")


class Membership(models.Model):
    """A person in an organization; removal deletes the row, so that a return is a new one."""

    id = models.UUIDField(primary_key=True, default=typeid.new, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    permissions = models.JSONField(default=list, blank=True, help_text="Permissions beyond the role's.")
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    # Who removes this member, where a flow has said so before it deletes.
    ended_by: Actor = SYSTEM

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="accounts_one_membership"),
        )

    if TYPE_CHECKING:
        organization_id: UUID
        user_id: UUID

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def public_id(self) -> str:
        return typeid.encode("mem", self.id)

    @property
    def scopes(self) -> ScopeSet:
        held = role_scopes(self.role).texts
        return ScopeSet.of((*held, *self.permissions))
