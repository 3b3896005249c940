"""Registers the admin classes of ``accounts.staff``, where Django looks for them."""

from accounts.staff import audit, home_panels, invitations, members, organizations, outbox, users  # noqa: F401
