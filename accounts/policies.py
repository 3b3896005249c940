"""What an organization asks of its members' sign-in: single sign-on, a second factor. One rule, every door.

An owner may always sign in by password, so that a provider's outage, or a wrong setting, locks no
organization out of itself. The second factor is asked of owners too: its page is open to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accounts import second_factor, sso_providers
from accounts.models import Membership
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refusal, Refused

# The longest life that a policy may set; without one, tokens live that long at most.
MOST_TOKEN_DAYS = 365
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


def check_change(changed: Mapping[str, Sequence[object]], *, by: Membership | None) -> None:
    """Refuse to switch on what nobody, or the person ``by`` whom it is switched on, could meet.

    ``by`` is None for a program; ``changed`` maps fields to before and after. Raises
    Refused(invalid_request) with fields.
    """
    problems: dict[str, list[str]] = {}
    if _begins(changed, "sso_required") and not sso_providers.configured():
        problems["ssoRequired"] = ["No sign-in provider is set up on this server, so nobody could sign in."]
    if _begins(changed, "mfa_required") and by is not None and not second_factor.is_on(by.user):
        problems["mfaRequired"] = ["Set up your own second factor first, in Settings, Security."]
    if problems:
        raise Refused(refusals.INVALID_REQUEST, fields=problems)


def _begins(changed: Mapping[str, Sequence[object]], policy: str) -> bool:
    return policy in changed and changed[policy][1] is True
