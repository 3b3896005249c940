"""Thirty days after its deletion an organization is erased with every row of its own, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditEvent, EndUser, Organization, User
from accounts.organizations import deletion
from ratelimit.models import (
    DailyKeyUsage,
    DailyStatistics,
    DailyUsage,
    HourlyUsage,
    RefusedUse,
    Reservation,
)
from tests.support.people import actor
from tests.support.tenants import OWNED, Tenant, checksum, make_tenant
from tokens.lifecycle import organization_purge
from tokens.lifecycle.organization_purge import purge_organizations

pytestmark = pytest.mark.django_db
# People are their own, and so is what is theirs wherever they belong.
PEOPLES = {"accounts.User", "accounts.MailedClaim", "accounts.MailedLink", "usersessions.UserSession"}


@pytest.fixture
def mine() -> Tenant:
    """With a row in every table, usage that was drained among them."""
    tenant = make_tenant()
    mark = {"bucket": tenant.member.organization_id}
    mine = mark | {"subject": tenant.issued.token.pk}
    now = timezone.now()
    DailyUsage.objects.create(day=now.date(), calls=1, **mine)
    DailyKeyUsage.objects.create(day=now.date(), key=1, calls=1, last_used_at=now, **mine)
    HourlyUsage.objects.create(hour=now, calls=1, **mine)
    DailyStatistics.objects.create(day=now.date(), **mine)
    RefusedUse.objects.create(day=now.date(), cause="address", count=1, last_at=now, **mine)
    Reservation.objects.create(day=now.date(), **mark)
    Reservation.objects.create(day=now.date(), bucket=mine["subject"], within=mark["bucket"])
    return tenant


def end(tenant: Tenant, days: float) -> None:
    member = tenant.member
    moment = timezone.now() - timedelta(days=days)
    deletion.delete(actor=actor(member), typed_name=member.organization.name, now=moment)


def left(tenant: Tenant) -> set[str]:
    """The tables in which a row of the tenant's is left."""
    pk = tenant.member.organization_id
    found = {label: apps.get_model(label)._default_manager.filter(**{OWNED[label]: pk}) for label in OWNED}
    return {label for label, rows in found.items() if rows.exists()} - PEOPLES


def test_before_its_time_everything_is_still_there(mine: Tenant) -> None:
    end(mine, days=30)
    before = left(mine)
    assert purge_organizations() == 0
    assert left(mine) == before
    assert {"accounts.AuditEvent", "accounts.EndUser", "tokens.Grant", "tokens.TokenSecret"} <= before
    counts = {"DailyKeyUsage", "DailyStatistics", "DailyUsage", "HourlyUsage", "RefusedUse", "Reservation"}
    assert {f"ratelimit.{name}" for name in counts} <= before


def test_then_every_row_of_it_is_gone_and_its_people_are_not(mine: Tenant) -> None:
    end(mine, days=30.1)
    others = make_tenant()
    before = checksum(others)
    assert purge_organizations() == 1
    assert left(mine) == set()
    assert not Reservation.objects.filter(bucket=mine.issued.token.pk).exists()
    assert checksum(others) == before
    assert User.objects.filter(pk=mine.member.user_id).exists()
    assert purge_organizations() == 0


def test_much_is_erased_batch_by_batch(mine: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organization_purge, "BATCH", 2)
    organization = mine.member.organization
    EndUser.objects.bulk_create(EndUser(organization=organization, uuid=f"{n:032x}") for n in range(5))
    end(mine, days=31)
    purge_organizations()
    assert left(mine) == set()


def test_what_was_begun_is_gone_on_with(mine: Tenant) -> None:
    """A process that was killed half-way leaves rows that hang on nothing; the next round erases them."""
    end(mine, days=31)
    organization_purge._erase(AuditEvent.objects.filter(organization=mine.member.organization_id))
    assert purge_organizations() == 1
    assert left(mine) == set()


def test_housekeeping_does_it(mine: Tenant) -> None:
    end(mine, days=31)
    call_command("housekeeping", once=True)
    assert not Organization.objects.exists()


def test_living_and_suspended_ones_stay(mine: Tenant) -> None:
    Organization.objects.update(suspended_at=timezone.now() - timedelta(days=100))
    assert purge_organizations() == 0
    assert Organization.objects.exists()
