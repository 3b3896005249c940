"""Sign-in policies of organizations, single sign-on and a second factor, and their only check.

An owner may always sign in by password, so that a provider's outage, or a wrong setting, locks no
organization out of itself. The second factor is asked of owners too: its page is open to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allauth.core.exceptions import ReauthenticationRequired

from accounts import errors
from accounts.errors import APIError, ErrorCode
from accounts.models import Organization
from accounts.oidc import providers
from accounts.permissions.actor import Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from accounts.proof import Factor, Proof, Step
from accounts.validation import email_domains

# Permissions whose flows require recent proof.
POWERS = ("tokens.manage", "clients.manage", "members.manage", "organization.manage")
# The longest life that a policy may set; without one, tokens live that long at most.
MOST_TOKEN_DAYS = 365
# The bounds of the policy that revokes unused tokens.
LEAST_UNUSED_DAYS, MOST_UNUSED_DAYS = 30, 365
SSO_REQUIRED = ErrorCode(403, "The organization requires single sign-on", "sso_required")
MFA_REQUIRED = ErrorCode(403, "The organization requires a sign-in with a second factor", "mfa_required")


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """The values of a policy; "" and () require nothing."""

    sso_required: bool
    mfa_required: bool
    sso_provider: str
    sso_tenant: str
    email_domains: Sequence[str]

    def admits(self, step: Step) -> bool:
        """Whether it is a sign-in at a provider and tenant that the policy allows."""
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


def unmet(policy: SignInPolicy, role: str | None, proof: Proof) -> ErrorCode | None:
    """Return the error of a member whose role and proof do not meet the policy, else None."""
    if policy.sso_required and role != Role.OWNER and not any(map(policy.admits, proof.steps)):
        return SSO_REQUIRED
    if policy.mfa_required and not proof.has_second_factor:
        return MFA_REQUIRED
    return None


def require_recent_proof(actor: Actor) -> None:
    """Every flow that grants power, or revokes it for all members, calls this; programs prove nothing.

    Raises ReauthenticationRequired, which leads a browser to the page that asks again, and which the API
    answers with ``reauthentication_required``.
    """
    if actor.type == "user" and not actor.proof.is_recent():
        raise ReauthenticationRequired


def require_recent_proof_for(actor: Actor, role: Role) -> None:
    """Require recent proof before granting a role whose permissions themselves require it."""
    if any(role_scopes(role).allows(power) for power in POWERS):
        require_recent_proof(actor)


def check_change(
    changed: Mapping[str, Sequence[object]], *, organization: Organization, actor: Actor
) -> None:
    """Refuse to switch on a policy that no member, or not the actor, could meet.

    ``changed`` maps fields to before and after. Raises APIError(invalid_request) with fields.
    """
    problems: dict[str, list[str]] = {}
    if _begins(changed, "sso_required") and not providers.configured():
        problems["ssoRequired"] = ["No sign-in provider is set up on this server: no member could sign in."]
    if _begins(changed, "mfa_required") and actor.type == "user" and not actor.proof.has_second_factor:
        problems["mfaRequired"] = ["Set up your own second factor first, or sign in again with it."]
    problems |= _of_provider(changed, organization)
    if problems:
        raise APIError(errors.INVALID_REQUEST, fields=problems)


def _begins(changed: Mapping[str, Sequence[object]], policy: str) -> bool:
    return policy in changed and changed[policy][1] is True


def _of_provider(changed: Mapping[str, object], organization: Organization) -> dict[str, list[str]]:
    """Return the errors of the provider and the tenant by field; both are optional."""
    if not {"sso_provider", "sso_tenant"}.intersection(changed):
        return {}
    slug, tenant = organization.sso_provider, organization.sso_tenant
    if slug and providers.find(slug) is None:
        return {"ssoProvider": ["This provider is not set up on this server."]}
    if tenant and not slug:
        return {"ssoTenant": ["Choose the provider whose tenant this is."]}
    if tenant and not providers.is_tenant(slug, tenant):
        return {"ssoTenant": [providers.TENANT_FORMS.get(slug, providers.ISSUER_FORM)]}
    return {}
