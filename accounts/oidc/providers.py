"""The identity providers that are configured, and where each is asked what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.validation import email_domains
from accounts.validation.addresses import domain_normalized

GOOGLE, MICROSOFT = "google", "microsoft"
# The tenant of accounts that belong to no company.
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
TENANT = "{tenant}"
TENANT_FORMS = {
    MICROSOFT: "Write the tenant's id, such as 7f1e5a40-62c6-4a0c-9f43-2f4f3f0c9b11, in lower case.",
    GOOGLE: "Write the domain of the Google Workspace, such as example.com.",
}
ISSUER_FORM = "Write the issuer's address, beginning with https://."


@dataclass(frozen=True, slots=True)
class Provider:
    """``issuer`` holds ``{tenant}`` where each tenant is an issuer of its own, as Microsoft's are."""

    slug: str
    name: str
    client_id: str
    client_secret: str
    issuer: str
    authorize_url: str
    token_url: str
    keys_url: str
    tenant: str = ""

    @property
    def callback_url(self) -> str:
        """On the host of our settings, whatever a request's headers say."""
        return f"{settings.BASE_URL}{reverse(f'{self.slug}_callback')}"

    def issuer_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return the required issuer of an ID token with these claims; None for a tenant not allowed."""
        if TENANT not in self.issuer:
            return self.issuer
        tenant = claims.get("tid")
        if not isinstance(tenant, str) or not _is_canonical(tenant) or not self._admits(tenant):
            return None
        return self.issuer.replace(TENANT, tenant)

    def vouches_for_address(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider says that the address was proven to be this person's.

        Microsoft lets an administrator write any address; only ``xms_edov`` says that the address's
        domain is the tenant's own, and it comes as a boolean or as 1.
        """
        if TENANT in self.issuer:
            said = claims.get("xms_edov")
            return said is True or (type(said) is int and said == 1) or said == "1"
        return claims.get("email_verified") is True

    def tenant_of(self, claims: Mapping[str, Any]) -> str:
        """Which company's, or whose, directory the person is in: "" for a private account at Google."""
        claim = {GOOGLE: "hd", MICROSOFT: "tid"}.get(self.slug, "iss")
        found = claims.get(claim)
        return found.lower() if isinstance(found, str) and self.slug == GOOGLE else _text(found)

    def domain_of(self, claims: Mapping[str, Any]) -> str:
        """The e-mail domain that the provider's company owns; "" for private accounts.

        At Google a private account may have a company's address, so only ``hd`` counts there.
        """
        if self.slug == GOOGLE:
            return self.tenant_of(claims)
        if claims.get("tid") == PERSONAL_TENANT or not self.vouches_for_address(claims):
            return ""
        return domain_normalized(_text(claims.get("email")).rpartition("@")[2])

    def _admits(self, tenant: str) -> bool:
        if self.tenant == "common":
            return True
        if self.tenant == "organizations":
            return tenant != PERSONAL_TENANT
        return tenant == (PERSONAL_TENANT if self.tenant == "consumers" else self.tenant)


_NAMES = {GOOGLE: "Google", MICROSOFT: "Microsoft"}
_MICROSOFT_HOST = "https://login.microsoftonline.com"
_PLACES = {
    GOOGLE: {
        "issuer": "https://accounts.google.com",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_url": "https://oauth2.googleapis.com/token",
        "keys_url": "https://www.googleapis.com/oauth2/v3/certs",
    },
    MICROSOFT: {
        "issuer": f"{_MICROSOFT_HOST}/{TENANT}/v2.0",
        "authorize_url": f"{_MICROSOFT_HOST}/{TENANT}/oauth2/v2.0/authorize",
        "token_url": f"{_MICROSOFT_HOST}/{TENANT}/oauth2/v2.0/token",
        "keys_url": f"{_MICROSOFT_HOST}/{TENANT}/discovery/v2.0/keys",
    },
}


def configured() -> list[Provider]:
    return [found for slug in _NAMES if (found := find(slug)) is not None]


def names(kept: str = "") -> dict[str, str]:
    """The configured providers by slug, and the one that is ``kept`` though it is not configured any more."""
    found = {one.slug: one.name for one in configured()}
    return found if not kept or kept in found else found | {kept: f"{kept} (not set up)"}


def find(slug: str) -> Provider | None:
    """The provider, if it is configured here."""
    own = settings.SINGLE_SIGN_ON.get(slug, {})
    if not own.get("client_id"):
        return None
    values = _PLACES[slug] | own
    for place in ("authorize_url", "token_url", "keys_url"):
        values[place] = values[place].replace(TENANT, own.get("tenant", ""))
    return Provider(slug=slug, name=_NAMES[slug], **values)


def is_tenant(slug: str, tenant: str) -> bool:
    """Whether sign-ins at the provider can carry this tenant."""
    if slug == MICROSOFT:
        return _is_canonical(tenant)
    if slug == GOOGLE:
        return email_domains.is_domain(tenant)
    return tenant.startswith("https://")


def _is_canonical(tenant: str) -> bool:
    try:
        return str(UUID(tenant)) == tenant
    except ValueError:
        return False


def _text(claim: object) -> str:
    return claim if isinstance(claim, str) and len(claim) <= 253 else ""
