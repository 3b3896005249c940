"""Reuse of a refresh token: the person and the owners are mailed once, for every kind of grant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, Notice
from accounts.notifications import outbox
from accounts.permissions.roles import Role
from tests.support.notices import told_since
from tests.support.people import make_member, make_organization
from tests.support.sessions import make_person, opened
from tokens.grants import errors as grant_errors
from tokens.grants import opening, rotation
from tokens.grants.errors import ReuseDetected
from tokens.models import GrantKind, OAuthClient
from tokens.notifications.dispatch import enqueue

pytestmark = pytest.mark.django_db
TO_PERSON = "A session of yours was ended"
TO_OWNERS = "A refresh token was used twice in Acme"


@pytest.fixture
def chief(db: None) -> Membership:
    return make_person(make_organization("Acme"), email="chief@example.com")


def spend_twice(raw: str, kind: GrantKind, client: OAuthClient | None = None) -> None:
    """The second time long after the grace, and a third time, which ends nothing further."""
    rotation.rotate(raw, kinds=[kind], client=client)
    for hours in (1, 2):
        later = timezone.now() + timedelta(hours=hours)
        with pytest.raises(grant_errors.InvalidGrant) as caught:
            rotation.rotate(raw, kinds=[kind], client=client, now=later)
        assert isinstance(caught.value, ReuseDetected) == (hours == 1)


def results() -> list[tuple[str, str]]:
    before = len(mail.outbox)
    later = timezone.now() + timedelta(hours=2)
    enqueue(later)
    outbox.deliver(now=later)
    return told_since(before)


@pytest.mark.django_db(transaction=True)
def test_the_person_and_every_owner_are_told(chief: Membership) -> None:
    member = make_person(chief.organization, Role.MEMBER, "ada@example.com", name="Ada")
    make_member(chief.organization, Role.ADMIN)
    spend_twice(opened(member, user_agent="curl/8.5.0").refresh_token, GrantKind.SESSION)
    assert results() == [("ada@example.com", TO_PERSON), ("chief@example.com", TO_OWNERS)]
    assert results() == []
    first, second = (str(one.body) for one in mail.outbox[-2:])
    assert "curl 8.5.0" in first
    assert "/settings/security/" in first
    assert "of Ada in Acme" in second
    assert "/settings/audit-log/" in second


@pytest.mark.django_db(transaction=True)
def test_an_owner_whose_own_session_it_was_gets_one_mail(chief: Membership) -> None:
    spend_twice(opened(chief).refresh_token, GrantKind.SESSION)
    assert results() == [("chief@example.com", TO_PERSON)]


@pytest.mark.django_db(transaction=True)
def test_of_a_clients_family_the_owners_are_told(chief: Membership) -> None:
    client = OAuthClient.objects.create(
        organization=chief.organization, name="Warehouse", scopes=["index:read:*"], responsible=chief
    )
    raw = opening.open_for_client(client=client, scope=None).refresh_token
    spend_twice(raw, GrantKind.CLIENT, client)
    assert results() == [("chief@example.com", TO_OWNERS)]
    assert "of the OAuth client “Warehouse” in Acme" in str(mail.outbox[-1].body)
    assert raw not in str(mail.outbox[-1].message())


@pytest.mark.django_db(transaction=True)
def test_a_retry_within_the_grace_is_no_news(chief: Membership) -> None:
    raw = opened(chief).refresh_token
    for _ in range(2):
        rotation.rotate(raw, kinds=[GrantKind.SESSION])
    assert not Notice.objects.exists()
