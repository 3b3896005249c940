"""Those who ask during an outage: who must be let in, who never, and who up to a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.models import Membership
from accounts.permissions.actor import SYSTEM
from ratelimit.sql.reservations import BLOCKS_PER_DAY
from tests.faults.load import Load, Request
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.sessions import opened
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken
from tokens.service_accounts.revoke import revoke

LIMIT = 200
BLOCK = LIMIT // BLOCKS_PER_DAY
# With a limit of their own, or of their organization's.
LIMITED = ("limited", "limited token")
RIGHT = {"good": {200}, "session": {200}, "ended": {401}, "unknown": {401}}
RIGHT |= {name: {200, 429} for name in LIMITED}


@dataclass(frozen=True)
class Crowd:
    owner: Membership
    limited: Membership
    requests: tuple[Request, ...]

    @classmethod
    def come(cls) -> Crowd:
        owner = make_member(make_organization(plan=make_plan("unlimited", None)))
        limited = make_member(make_organization(plan=make_plan("unlimited", None), requests_per_day=LIMIT))
        ended = make_token(owner)
        revoke(token=ended.token, actor=SYSTEM)
        own = make_token(owner)
        ServiceAccountToken.objects.filter(pk=own.token.pk).update(requests_per_day=LIMIT)
        bearers = {
            "good": make_token(owner, permissions=["*:*:*"]).plaintext,
            "session": opened(owner).access_token,
            "ended": ended.plaintext,
            "unknown": opaque.new().plaintext,
            "limited": make_token(limited).plaintext,
            "limited token": own.plaintext,
        }
        return cls(owner, limited, tuple(Request(name, bearer) for name, bearer in bearers.items()))

    def bearer(self, name: str) -> str:
        return next(one.bearer for one in self.requests if one.name == name)


def expect_nobody_wrong(load: Load, besides: Mapping[str, set[int]] = {}) -> None:
    """Each kind got its statuses and no others; ``besides`` names those that this outage adds."""
    for name, statuses in RIGHT.items():
        found = load.statuses(name)
        assert set(found) <= statuses | besides.get(name, set()), f"{name}: {found}"
    for name in LIMITED:
        assert load.statuses(name)[200] <= LIMIT
