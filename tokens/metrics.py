"""Prometheus metrics: counters of this server's processes, and figures from the stores.

Every process returns the same metrics. While the database is unavailable, only its figures are missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import Organization, User
from accounts.models.index import EndUserCount, Index
from accounts.notifications import outbox
from ratelimit.metrics import Counted
from ratelimit.usage import totals
from tokens.models import Grant, GrantKind, OAuthClient, ServiceAccountToken


def text() -> bytes:
    """The exposition format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(Counted())
    registry.register(_Stores())
    return generate_latest(registry)


class _Stores(Collector):
    def describe(self) -> list[GaugeMetricFamily]:
        """Registering asks for nothing; only a scrape does."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = [*self._ask()]
        except (DatabaseError, InterfaceError):
            found = []
        yield _gauge("tessera_database_up", "Whether the database answers", int(bool(found)))
        yield from found

    def _ask(self) -> Iterator[GaugeMetricFamily]:
        yield _organizations()
        yield _gauge("tessera_people", "People who may sign in", User.objects.filter(is_active=True).count())
        yield _gauge("tessera_tokens_active", "Service-account tokens that work", _tokens())
        clients = OAuthClient.objects.filter(deleted_at=None)
        yield _gauge("tessera_clients", "OAuth clients", clients.count())
        yield _families()
        yield _gauge("tessera_indexes", "Indexes", Index.objects.count())
        end_users = sum(EndUserCount.objects.values_list("count", flat=True))
        yield _gauge("tessera_end_users", "End users of all organizations", end_users)
        yield from _mail()
        yield from _usage()


def _organizations() -> GaugeMetricFamily:
    family = GaugeMetricFamily("tessera_organizations", "Organizations", labels=["state"])
    suspended = Q(suspended_at__isnull=False)
    found = Organization.objects.aggregate(
        active=Count("pk", filter=~suspended), suspended=Count("pk", filter=suspended)
    )
    for state, count in sorted(found.items()):
        family.add_metric([state], count)
    return family


def _tokens() -> int:
    return ServiceAccountToken.objects.all().active(timezone.now()).count()


def _families() -> GaugeMetricFamily:
    family = GaugeMetricFamily("tessera_grants_active", "Grants that were not ended", labels=["kind"])
    active = Grant.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
    found = dict(active.values_list("kind").annotate(Count("pk")).order_by())
    for kind in GrantKind.values:
        family.add_metric([kind], found.get(kind, 0))
    return family


def _mail() -> Iterator[GaugeMetricFamily]:
    found = outbox.backlog(timezone.now())
    yield _gauge("tessera_mail_unsent", "Mails that wait to be sent", found.unsent)
    yield _gauge("tessera_mail_given_up", "Mails that were given up, of the last seven days", found.given_up)
    words = "Age of the oldest mail that waits to be sent"
    yield _gauge("tessera_mail_oldest_unsent_seconds", words, int(found.oldest_seconds))


def _usage() -> Iterator[GaugeMetricFamily]:
    found = totals.read()
    yield _gauge("tessera_calls_today", "Admitted calls of this UTC day", found.calls_today)
    yield _gauge("tessera_refused_today", "Calls of this UTC day over a limit", found.refused_today)
    yield _gauge("tessera_reserved_today", "Of the plans' day, given out in blocks", found.reserved_today)
    yield _gauge("tessera_store_up", "Whether the shared store answers", int(found.undrained is not None))
    if found.undrained is not None:
        yield _gauge("tessera_usage_undrained_calls", "Calls not yet drained into SQL", found.undrained)


def _gauge(name: str, words: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)
