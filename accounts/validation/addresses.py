"""How an e-mail address is stored, compared and shown: its domain is stored as IDNA 2008 A-labels."""

from __future__ import annotations

import idna
from django.core.exceptions import ValidationError

from accounts.validation.text import validate_address, validate_line

LONGEST = 254
# Longer texts are no addresses, and are not worth the work of encoding them.
_LONGEST_READ = 320


def cleaned(text: str) -> str:
    """The stored form of an address that was typed; raises ValidationError."""
    validate_line(text)
    validate_address(text)
    try:
        found = _stored(text)
    except ValueError:
        found = ""
    if not found or len(found) > LONGEST:
        raise ValidationError(validate_address.message, code="invalid")
    return found


def normalized(email: str) -> str:
    """The form in which addresses are compared; text that is no address is in lower case."""
    try:
        return _stored(email)
    except ValueError:
        return email.strip().lower()


def spellings(email: str) -> tuple[str, ...]:
    """What rows of earlier versions may hold for the same mailbox; as typed first, and mostly just that."""
    stored = normalized(email)
    return tuple(dict.fromkeys((email.strip().lower(), stored, shown(stored))))


def shown(email: str) -> str:
    """The address with the domain as people write it (U-labels)."""
    local, at, domain = email.rpartition("@")
    return f"{local}{at}{domain_shown(domain)}"


def domain_normalized(domain: str) -> str:
    """A domain in lower case as DNS has it; one that has no such form is left as it is."""
    try:
        return _domain_stored(domain.lower())
    except ValueError:
        return domain.lower()


def domain_shown(domain: str) -> str:
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def _stored(email: str) -> str:
    local, at, domain = email.strip().lower().rpartition("@")
    if not at:
        raise ValueError("An address has a domain.")
    return f"{local}{at}{_domain_stored(domain)}"


def _domain_stored(domain: str) -> str:
    if domain.isascii():
        return domain
    if len(domain) > _LONGEST_READ:
        raise ValueError("This is too long for a domain.")
    return idna.encode(domain, uts46=True).decode()
