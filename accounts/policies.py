"""What an organization asks of its members' sign-in: single sign-on, a second factor. One rule, every door.

An owner may always sign in by password, so that a provider's outage, or a wrong setting, locks no
organization out of itself. The second factor is asked of owners too: its page is open to everybody.
"""

from __future__ import annotations

from accounts import second_factor
from accounts.models import Membership
from accounts.roles import Role
from ratelimit.refusals import Refusal

SSO_REQUIRED = Refusal(403, "The organization requires single sign-on", "sso_required")
MFA_REQUIRED = Refusal(403, "The organization requires a second factor: set one up first", "mfa_required")


def unmet(member: Membership, *, by_provider: bool) -> Refusal | None:
    """Why this member may not work in the organization now; ``by_provider`` is how they signed in."""
    organization = member.organization
    if organization.sso_required and not by_provider and member.role != Role.OWNER:
        return SSO_REQUIRED
    # Whoever has a second factor has proven it: no door lets them in without.
    if organization.mfa_required and not second_factor.is_on(member.user):
        return MFA_REQUIRED
    return None
