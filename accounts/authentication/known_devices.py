"""Browsers and networks from which an account signed in before; attackers cannot lock them out.

A browser shows a signed cookie. For programs, which keep none, the network that they call from is remembered.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User
from accounts.models.known_network import KnownNetwork
from accounts.validation import addresses
from ratelimit.client_ip import UNKNOWN, network_of

COOKIE_NAME = "__Host-device" if settings.SECURE else "device"
COOKIE_SECONDS = 365 * 86_400
SALT = "accounts.authentication.known_devices.versions"
# Of one browser, and of one account: the latest ones are kept.
MOST_ACCOUNTS, MOST_NETWORKS = 5, 20
NETWORK_DAYS = 90


@dataclass(frozen=True, slots=True)
class Device:
    """A browser and the accounts that have signed in with it, the latest last.

    ``versions`` maps an account's id to its ``User.password_version`` at that sign-in.
    """

    id: str
    versions: Mapping[str, int] = field(default_factory=dict)


class DeviceCookieMiddleware:
    """Set the cookie on the response of a sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        device: Device | None = getattr(request, "signed_in_device", None)
        if device is not None:
            response.set_cookie(
                COOKIE_NAME,
                signing.dumps([device.id, device.versions], salt=SALT),
                max_age=COOKIE_SECONDS,
                secure=settings.SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def device_of(request: HttpRequest | None, email: str) -> str | None:
    """The id of the browser that makes the request, if it has signed in with the account's present password.

    A new password makes every browser unknown, so that who knew the one before keeps no window of their own.
    """
    device = _read(request) if request else None
    if device is None:
        return None
    found = User.objects.filter(email__in=addresses.spellings(email)).values_list("pk", "password_version")
    known = any(device.versions.get(str(pk)) == version for pk, version in found)
    return device.id if known else None


def remember_device(request: HttpRequest, user: User) -> None:
    device, account = _read(request) or Device(secrets.token_urlsafe(16)), str(user.pk)
    others = [one for one in device.versions.items() if one[0] != account]
    kept = [*others, (account, user.password_version)][-MOST_ACCOUNTS:]
    request.signed_in_device = Device(device.id, dict(kept))  # type: ignore[attr-defined]


def forget_networks(user: User) -> None:
    """Delete the account's networks, for a new password. Cookies hold the old version, and become invalid."""
    KnownNetwork.objects.filter(user=user).delete()


def is_known_network(email: str, address: str | None) -> bool:
    """One query, whether the account exists or not."""
    mine = KnownNetwork.objects.filter(user__email__in=addresses.spellings(email))
    known = mine.filter(network=network_of(address))
    return known.filter(seen_at__gt=_oldest(timezone.now())).exists()


def remember_network(user: User, address: str | None, now: datetime | None = None) -> None:
    network = network_of(address)
    if network == UNKNOWN:
        return
    KnownNetwork.objects.bulk_create(
        [KnownNetwork(user=user, network=network, seen_at=now or timezone.now())],
        update_conflicts=True,
        unique_fields=["user", "network"],
        update_fields=["seen_at"],
    )
    mine = KnownNetwork.objects.filter(user=user)
    latest = mine.order_by(F("seen_at").desc(), "-pk").values("pk")[:MOST_NETWORKS]
    mine.exclude(pk__in=latest).delete()


def prune(now: datetime) -> int:
    """Delete the networks that have not been used for NETWORK_DAYS; return how many."""
    return KnownNetwork.objects.filter(seen_at__lte=_oldest(now)).delete()[0]


def _oldest(now: datetime) -> datetime:
    return now - timedelta(days=NETWORK_DAYS)


def _read(request: HttpRequest) -> Device | None:
    """The browser's cookie; None if it has none, or it was not signed by us or long ago."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE_NAME, ""), salt=SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return None
    return Device(*found)
