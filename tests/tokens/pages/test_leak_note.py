"""A token that was found in public, on its page, in the list and in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization
from accounts.permissions.roles import Role
from tests.support.people import actor, browser_of, make_member, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts import rotation
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.leak import report
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LIST_BADGE = "Found in public: rotate"


@pytest.fixture
def made(owner: Membership) -> Issued:
    return make_token(owner, "deploy")


def page_of(member: Membership) -> str:
    url = f"/settings/tokens/{ServiceAccountToken.objects.get().public_id}/"
    return browser_of(member.user).get(url).content.decode()


def leaked_under(policy: str, made: Issued) -> None:
    Organization.objects.update(leaked_tokens=policy)
    report(secret=made.plaintext, source="<b>paste</b>", now=made.token.created_at + MINUTE)


def test_a_revoked_one_has_the_status_leaked_and_says_where(owner: Membership, made: Issued) -> None:
    leaked_under("revoke", made)
    page = page_of(owner)
    assert 'class="status status-leaked"' in page
    assert "Leaked</span>" in page
    assert "<strong>Found in public <time" in page
    assert "Source: &lt;b&gt;paste&lt;/b&gt;. Revoked <time" in page
    assert "Create a replacement" in page
    assert "Leaked</span>" in browser_of(owner.user).get("/settings/tokens/?status=revoked").content.decode()


def test_under_the_policy_notify_it_calls_for_a_rotation(owner: Membership, made: Issued) -> None:
    leaked_under("notify", made)
    page = page_of(owner)
    assert "rotate or revoke it now.</strong>" in page
    assert "your organization’s policy is to notify only" in page
    for act in ("Rotate", "Revoke"):
        assert f'href="/settings/tokens/{made.token.public_id}/{act.lower()}/">{act} it</a>' in page
    assert LIST_BADGE in browser_of(owner.user).get("/settings/tokens/").content.decode()
    viewer = make_member(owner.organization, Role.VIEWER)
    assert "rotate or revoke it now.</strong>" in page_of(viewer)
    assert "it</a>" not in page_of(viewer)


def test_a_rotation_turns_the_call_into_the_overlaps_end_and_then_into_a_remark(
    owner: Membership, made: Issued
) -> None:
    leaked_under("notify", made)
    rotation.rotate(token=made.token, actor=actor(owner), now=made.token.created_at + 2 * MINUTE)
    during = page_of(owner)
    assert "The secret that was found in public still works until <time" in during
    assert "rotate or revoke it now" not in during
    rotation.finish(token=made.token, actor=actor(owner))
    after = page_of(owner)
    assert "The token has been rotated since." in after
    assert "still works until" not in after
    assert LIST_BADGE not in browser_of(owner.user).get("/settings/tokens/").content.decode()


def test_a_token_revoked_for_another_reason_is_not_called_leaked(owner: Membership, made: Issued) -> None:
    revoke(token=made.token, actor=actor(owner))
    report(secret=made.plaintext, source="paste", now=timezone.now())
    page = page_of(owner)
    assert "Revoked</span>" in page
    assert "Found in public" not in page


def test_staff_see_when_and_where_and_the_policy(staff: Client, made: Issued) -> None:
    leaked_under("notify", made)
    token = reverse("admin:tokens_serviceaccounttoken_change", args=[made.token.pk])
    page = staff.get(token).content.decode()
    assert "&lt;b&gt;paste&lt;/b&gt;" in page
    assert "Leaked at" in page
    organization = reverse("admin:accounts_organization_change", args=[made.token.organization_id])
    page = staff.get(organization).content.decode()
    assert "Notify the owners only" in page
    assert "leaked tokens are not revoked" in page
