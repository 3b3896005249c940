"""What Django's admin discovers: the classes of ``accounts.staff``."""

from accounts.staff import audit, invitations, members, organizations, outbox, users  # noqa: F401
