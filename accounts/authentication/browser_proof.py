"""The proof of sign-in of a browser session. allauth stores it, and its pages add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts.models import User
from accounts.proof import NOTHING_PROVEN, SECOND_FACTORS, Factor, Proof, Step

# allauth's names of methods, where they are not ours. A second factor is "mfa" with its type.
METHODS = {Factor.PROVIDER: "socialaccount", **dict.fromkeys(SECOND_FACTORS, "mfa")}
FACTORS = {"password": Factor.PASSWORD, "mail": Factor.MAIL, "socialaccount": Factor.PROVIDER}
PROVIDER_FACTS = ("provider", "issuer", "tenant", "domain")


def record(request: HttpRequest, user: User, factor: Factor, **facts: Any) -> None:
    """Add a step to this browser's session; ``facts`` are those of ``Step``, ``at`` where it is not now."""
    if factor in SECOND_FACTORS:
        facts |= {"type": factor.value, "id": facts.pop("authenticator")}
    record_authentication(request, user, METHODS.get(factor, factor.value), **facts)


def of_request(request: HttpRequest) -> Proof:
    """Return the proof of this browser's session, without second factors that were removed since."""
    user = request.user
    if not isinstance(user, User):
        return NOTHING_PROVEN
    proof = NOTHING_PROVEN
    for one in get_authentication_records(request, user):
        if step := _step(one):
            proof = proof.then(step)
    if claimed := {one.authenticator for one in proof.steps if one.authenticator is not None}:
        kept = Authenticator.objects.filter(user=user, pk__in=claimed).values_list("pk", flat=True)
        return proof.without(claimed.difference(kept))
    return proof


def _step(stored: Mapping[str, Any]) -> Step | None:
    at = int(stored["at"])
    if stored["method"] == "mfa":
        return Step(Factor(stored["type"]), at, authenticator=stored["id"])
    factor = FACTORS.get(stored["method"])
    if factor is None:
        return None
    return Step(factor, at, **{name: stored.get(name, "") for name in PROVIDER_FACTS})
