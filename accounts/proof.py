"""Proof of sign-in: which factors a person has proven, at which provider, and when. A value, without HTTP.

A browser's session and a grant each carry one. ``accounts.authorization.policies`` judges it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from django.conf import settings


class Factor(StrEnum):
    PASSWORD = "password"
    MAIL = "mail"
    PROVIDER = "provider"
    TOTP = "totp"
    RECOVERY_CODES = "recovery_codes"
    WEBAUTHN = "webauthn"


SECOND_FACTORS = frozenset({Factor.TOTP, Factor.RECOVERY_CODES, Factor.WEBAUTHN})
# A mailed link proves access to the mailbox only.
REAUTHENTICATING = SECOND_FACTORS | {Factor.PASSWORD, Factor.PROVIDER}


@dataclass(frozen=True, slots=True)
class Step:
    """One factor, proven at ``at`` (epoch seconds; 0 where an identity provider did not say when).

    For an identity provider: ``tenant`` is Microsoft's ``tid``, Google's ``hd``, else the issuer;
    ``domain`` is the e-mail domain that the provider vouches for, and "" for a private account.
    ``authenticator`` is the second factor's row.
    """

    factor: Factor
    at: int
    provider: str = ""
    issuer: str = ""
    tenant: str = ""
    domain: str = ""
    authenticator: int | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Step:
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        return cls(**known | {"factor": Factor(stored["factor"])})


@dataclass(frozen=True, slots=True)
class Proof:
    """The latest step of each factor and provider."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, stored: Iterable[Mapping[str, Any]]) -> Proof:
        """From what ``stored`` gave."""
        return cls(tuple(Step.of(one) for one in stored))

    @property
    def stored(self) -> list[dict[str, Any]]:
        """As JSON, without what is empty."""
        return [_without_empty(asdict(one)) for one in self.steps]

    def then(self, step: Step) -> Proof:
        """With one more step, which takes the place of an earlier one of its kind."""
        others = (one for one in self.steps if (one.factor, one.provider) != (step.factor, step.provider))
        return Proof((*others, step))

    def without(self, authenticators: Iterable[int]) -> Proof:
        """Without the second factors of these rows."""
        gone = set(authenticators)
        return Proof(tuple(one for one in self.steps if one.authenticator not in gone))

    @property
    def by_provider(self) -> bool:
        return any(one.factor is Factor.PROVIDER for one in self.steps)

    @property
    def has_second_factor(self) -> bool:
        return any(one.factor in SECOND_FACTORS for one in self.steps)

    def is_recent(self, now: float | None = None) -> bool:
        """Whether another factor than the mailbox was proven within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
        since = (time.time() if now is None else now) - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return any(one.at > since for one in self.steps if one.factor in REAUTHENTICATING)


NOTHING_PROVEN = Proof()


def proven(factor: Factor, **facts: Any) -> Proof:
    """A proof of one factor, now."""
    return Proof((Step(factor, int(time.time()), **facts),))


def _without_empty(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in ("", None)}
