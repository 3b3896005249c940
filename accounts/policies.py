"""What an organization asks of its members' sign-in: single sign-on, a second factor. Judged here alone.

An owner may always sign in by password, so that a provider's outage, or a wrong setting, locks no
organization out of itself. The second factor is asked of owners too: its page is open to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts import email_domains, second_factor, sso_providers
from accounts.models import Membership, Organization
from accounts.proof import Factor, Proof, Step
from accounts.roles import Role
from ratelimit import refusals
from ratelimit.refusals import Refusal, Refused

# The longest life that a policy may set; without one, tokens live that long at most.
MOST_TOKEN_DAYS = 365
SSO_REQUIRED = Refusal(403, "The organization requires single sign-on", "sso_required")
MFA_REQUIRED = Refusal(403, "The organization requires a sign-in with a second factor", "mfa_required")


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """What a proof of sign-in is judged by; "" and () ask for nothing."""

    sso_required: bool
    mfa_required: bool
    sso_provider: str
    sso_tenant: str
    email_domains: Sequence[str]

    def admits(self, step: Step) -> bool:
        """Whether it is a sign-in at a provider that fits everything that the organization names."""
        return (
            step.factor is Factor.PROVIDER
            and self.sso_provider in ("", step.provider)
            and self.sso_tenant in ("", step.tenant)
            and (not self.email_domains or email_domains.names(self.email_domains, step.domain))
        )


# The columns of an organization that its policy is read from.
FIELDS = ("sso_required", "mfa_required", "sso_provider", "sso_tenant", "email_domains")


def of(organization: Organization) -> SignInPolicy:
    return SignInPolicy(*(getattr(organization, name) for name in FIELDS))


def unmet(policy: SignInPolicy, role: str | None, proof: Proof) -> Refusal | None:
    """Why a member with this role and proof may not work in the organization now."""
    if policy.sso_required and role != Role.OWNER and not any(map(policy.admits, proof.steps)):
        return SSO_REQUIRED
    if policy.mfa_required and not proof.has_second_factor:
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
