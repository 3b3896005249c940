"""What ends at a moment has ended at that very moment, wherever it is looked up or remembered."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from django.http import HttpRequest
from django.utils import timezone
from pytest_django import Settings

from accounts import errors
from accounts.authentication import mailed_links
from accounts.authentication.mailed_links import Claim, InvalidLink
from accounts.errors import ErrorCode
from accounts.models import Membership
from accounts.models.mailed_claim import LinkKind, MailedClaim
from accounts.proof import Factor, proven
from ratelimit.types import Fence
from tests.support.people import make_token
from tests.support.sessions import opened
from tests.tokens.oauth.calls import make_program
from tokens.credentials import cache
from tokens.credentials.cache import Entry, RequestCredential
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token
from tokens.grants import status
from tokens.grants.status import GrantStatus
from tokens.models import ClientSecret, TokenSecret
from tokens.oauth.client_authentication import authenticate
from tokens.oauth.errors import OAuthError
from tokens.oauth.requests import Presented
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def issued(owner: Membership) -> Issued:
    return make_token(owner, expires_in_days=1)


def remembered(issued: Issued, age: float = 0.0) -> RequestCredential:
    """A request with a credential that this process has read so long ago; SQL refuses it now."""
    known = RequestCredential(HttpRequest(), issued.plaintext, lambda raw: errors.INVALID_TOKEN)
    credential = authenticate_token(issued.plaintext)
    assert isinstance(credential, Credential)
    cache.credential_cache.put(known.key, Entry(credential, Fence("epoch", 0, True), time.monotonic() - age))
    return known


def supersede(issued: Issued) -> datetime:
    """Its secret ends in an hour, long before the token."""
    end = timezone.now() + timedelta(hours=1)
    TokenSecret.objects.filter(token=issued.token).update(valid_until=end)
    return end


def test_a_token_ends_at_the_very_moment_of_its_expiry(issued: Issued) -> None:
    end = issued.token.expires_at
    assert end is not None
    assert isinstance(authenticate_token(issued.plaintext, end - MOMENT), Credential)
    assert authenticate_token(issued.plaintext, end) is errors.TOKEN_EXPIRED
    assert isinstance(remembered(issued).find(end - MOMENT), Credential)
    assert isinstance(remembered(issued).find(end), ErrorCode)


def test_a_superseded_secret_ends_at_the_very_moment_of_its_end(issued: Issued) -> None:
    end = supersede(issued)
    assert isinstance(authenticate_token(issued.plaintext, end - MOMENT), Credential)
    assert authenticate_token(issued.plaintext, end) is errors.TOKEN_ROTATED


def test_a_superseded_secret_is_not_remembered_beyond_its_end(issued: Issued) -> None:
    end = supersede(issued)
    assert isinstance(remembered(issued).find(end - MOMENT), Credential)
    assert isinstance(remembered(issued).find(end), ErrorCode)


def test_a_clients_superseded_secret_ends_at_the_very_moment_of_its_end(db: None) -> None:
    program, end = make_program(), timezone.now() + timedelta(hours=1)
    ClientSecret.objects.update(valid_until=end)
    presented = Presented(program.id, program.secret)
    assert authenticate(presented, address=None, now=end - MOMENT) == program.row
    with pytest.raises(OAuthError):
        authenticate(presented, address=None, now=end)


def test_a_grant_ends_at_the_very_moment_of_its_end(owner: Membership) -> None:
    row = status.load(opened(owner).grant.pk)
    assert row is not None
    assert status.evaluate(row, row.expires_at - MOMENT) is GrantStatus.ACTIVE
    assert status.evaluate(row, row.expires_at) is GrantStatus.EXPIRED


def test_a_proof_of_sign_in_is_recent_until_the_very_second(settings: Settings) -> None:
    proof = proven(Factor.PASSWORD)
    end = proof.steps[0].at + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    assert proof.is_recent(end - 1)
    assert not proof.is_recent(end)


def test_a_mailed_link_ends_at_the_very_moment_of_its_expiry_even_if_it_was_found_before(
    owner: Membership,
) -> None:
    url = mailed_links.issue(Claim(LinkKind.SIGN_IN, owner.user.email, owner.user))
    secret = url.rpartition("/")[2]
    end = MailedClaim.objects.get().expires_at
    link = mailed_links.find(secret, LinkKind.SIGN_IN, now=end - MOMENT)
    with pytest.raises(InvalidLink):
        mailed_links.find(secret, LinkKind.SIGN_IN, now=end)
    with pytest.raises(InvalidLink), transaction.atomic():
        mailed_links.use(link, now=end)
    with transaction.atomic():
        mailed_links.use(link, now=end - MOMENT)


def test_a_mailed_link_ends_when_a_newer_one_replaces_it_even_if_it_was_found_before(
    owner: Membership,
) -> None:
    claim = Claim(LinkKind.SIGN_IN, owner.user.email, owner.user)
    link = mailed_links.find(mailed_links.issue(claim).rpartition("/")[2], LinkKind.SIGN_IN)
    newer = mailed_links.issue(claim).rpartition("/")[2]
    with pytest.raises(InvalidLink), transaction.atomic():
        mailed_links.use(link)
    with transaction.atomic():
        mailed_links.use(mailed_links.find(newer, LinkKind.SIGN_IN))


@pytest.mark.parametrize(("age", "is_used"), [(899, True), (900, False), (901, False)])
def test_while_postgresql_is_unavailable_a_credential_is_remembered_for_900_seconds(
    issued: Issued, settings: Settings, monkeypatch: pytest.MonkeyPatch, age: float, is_used: bool
) -> None:
    def fail(raw: str) -> Credential:
        raise OperationalError("the database is unavailable")

    assert settings.CREDENTIAL_MEMORY_OUTAGE_SECONDS == 900
    now = time.monotonic()
    monkeypatch.setattr(cache.time, "monotonic", lambda: now)
    known = remembered(issued, age)
    known.read = fail
    if is_used:
        assert isinstance(known.find(), Credential)
    else:
        with pytest.raises(OperationalError):
            known.find()
