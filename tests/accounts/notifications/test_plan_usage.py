"""80 % and 100 % of the day's plan: mailed once a day and threshold, by the counters of store and SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, Notice, Organization
from accounts.organizations import update
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from ratelimit.models import Plan, Reservation
from ratelimit.sql.reservations import reserve_one
from tests.support.clients import program
from tests.support.notices import round_at
from tests.support.people import make_member, make_organization, make_token
from tests.support.threads import at_once
from tokens.notifications import dispatch

pytestmark = pytest.mark.django_db
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


@pytest.fixture
def acme(db: None) -> Membership:
    """The owner of Acme, which may make ten requests a day."""
    return make_member(make_organization("Acme", requests_per_day=10))


def use(organization: Organization, number: int, moment: datetime = NOON) -> None:
    """Requests as SQL counts them."""
    for _ in range(number):
        assert reserve_one(organization.pk, moment.date(), None) is not None


def subjects(moment: datetime = NOON) -> list[str]:
    return [subject for _, subject in round_at(moment)]


def test_each_threshold_is_told_once(acme: Membership) -> None:
    Notice.objects.all().delete()
    results = []
    for _ in range(12):
        use(acme.organization, 1)
        results.append(subjects())
    assert [number for number, found in enumerate(results, 1) if found] == [8, 10]
    assert results[7] == ["Acme has used 80 % of its plan for today"]
    assert results[9] == ["Acme has used up its plan for today"]
    assert subjects(NOON + timedelta(hours=11)) == []


def test_a_jump_over_both_tells_the_greater_alone(acme: Membership) -> None:
    use(acme.organization, 10)
    assert subjects() == ["Acme has used up its plan for today"]
    body = str(mail.outbox[-1].body)
    assert "10 of the 10 requests" in body
    assert "Day: 17 May 2030 (UTC)" in body
    assert "Starts again: 18 May 2030, 00:00:00 UTC" in body
    assert subjects() == []


def test_the_next_day_begins_anew(acme: Membership) -> None:
    use(acme.organization, 8)
    assert len(subjects()) == 1
    tomorrow = NOON + timedelta(days=1)
    assert subjects(tomorrow) == []
    use(acme.organization, 8, tomorrow)
    assert len(subjects(tomorrow)) == 1


def test_requests_that_only_the_store_has_counted_are_seen(acme: Membership) -> None:
    client = program(make_token(acme))
    Notice.objects.all().delete()
    for number in range(1, 9):
        assert client.get("/api/auth/whoami").status_code == 200
        dispatch.find()
        assert Notice.objects.exists() is (number == 8)


def test_what_is_given_out_and_not_used_is_not_told() -> None:
    """A store that was given a block of the day has not spent it yet."""
    owner = make_member(make_organization("Large", requests_per_day=1000))
    client = program(make_token(owner))
    client.get("/api/auth/whoami")
    Reservation.objects.update(reserved=900)
    Notice.objects.all().delete()
    dispatch.find()
    assert not Notice.objects.exists()


def test_owners_and_admins_are_told(acme: Membership) -> None:
    admin = make_member(acme.organization, Role.ADMIN)
    make_member(acme.organization, Role.MEMBER)
    make_member(acme.organization, Role.VIEWER)
    use(acme.organization, 9)
    assert {receiver for receiver, _ in round_at(NOON)} == {acme.user.email, admin.user.email}


@pytest.mark.parametrize("why", ["unlimited", "became unlimited", "suspended", "nothing allowed"])
def test_never(acme: Membership, why: str) -> None:
    enterprise = Plan.objects.get(slug="enterprise")
    organization = acme.organization
    if why == "unlimited":
        organization = make_member(make_organization(plan=enterprise)).organization
    use(organization, 50)
    if why == "became unlimited":
        dispatch.find(NOON)
        assert Notice.objects.exists()
        Organization.objects.filter(pk=organization.pk).update(plan=enterprise, requests_per_day=None)
    elif why == "suspended":
        update.suspend(organization=organization, actor=SYSTEM)
    elif why == "nothing allowed":
        Organization.objects.filter(pk=organization.pk).update(requests_per_day=0)
    assert round_at(NOON) == []


def test_the_own_number_counts_and_else_the_plans(acme: Membership) -> None:
    free = make_member(make_organization("Free"))
    use(acme.organization, 8)
    use(free.organization, 79)
    assert subjects() == ["Acme has used 80 % of its plan for today"]
    use(free.organization, 1)
    assert subjects() == ["Free has used 80 % of its plan for today"]


def test_a_raised_number_asks_for_its_own_share(acme: Membership) -> None:
    use(acme.organization, 9)
    assert len(subjects()) == 1
    Organization.objects.filter(pk=acme.organization_id).update(requests_per_day=20)
    use(acme.organization, 10)
    assert subjects() == []
    use(acme.organization, 1)
    assert subjects() == ["Acme has used up its plan for today"]


@pytest.mark.django_db(transaction=True)
def test_of_four_housekeepings_at_once_one_tells() -> None:
    for _ in range(5):
        owner = make_member(make_organization(requests_per_day=10))
        use(owner.organization, 10, timezone.now())
        before = len(mail.outbox)
        now = timezone.now()
        results = at_once([lambda now=now: round_at(now)] * 4)
        assert not [one for one in results if isinstance(one, Exception)], results
        assert [one.to for one in mail.outbox[before:]] == [[owner.user.email]]
