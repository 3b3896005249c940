"""Email domains of an organization's policy: normalization and check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from accounts.validation.addresses import domain_normalized, domain_shown

MOST = 50
LONGEST = 253
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def cleaned(texts: Iterable[str]) -> list[str]:
    """Each domain once, in lower case and its ASCII form; raises ValueError with a sentence for people."""
    found = list(dict.fromkeys(_cleaned(text) for text in texts))
    if len(found) > MOST:
        raise ValueError(f"Name at most {MOST} domains.")
    return found


def admits(domains: Sequence[str], email: str) -> bool:
    """Whether an address is of one of the ``domains``, subdomains aside; none named means any."""
    return not domains or names(domains, email.rpartition("@")[2])


def names(domains: Sequence[str], domain: str) -> bool:
    return domain_normalized(domain) in {domain_normalized(one) for one in domains}


def is_domain(text: str) -> bool:
    return len(text) <= LONGEST and _DOMAIN.fullmatch(text) is not None


def sentence(domains: Sequence[str]) -> str:
    return f"This organization takes addresses of {', '.join(map(domain_shown, domains))} only."


def _cleaned(text: str) -> str:
    domain = domain_normalized(text.strip().removeprefix("@"))
    if len(domain) > LONGEST or not _DOMAIN.fullmatch(domain):
        raise ValueError(f"“{text.strip()[:60]}” is no domain: write it like example.com.")
    return domain
