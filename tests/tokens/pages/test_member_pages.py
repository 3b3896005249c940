"""The pages of one member: what hangs on the person, another role, removal, leaving."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import errors
from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from tests.support.clients import program
from tests.support.people import browser_of, fresh_browser_of, make_member, make_token, make_user
from tests.support.sessions import opened
from tests.support.team import fresh_browser, trail
from tests.tokens.oauth.calls import make_program
from tokens.credentials import token_lookup
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued


@pytest.fixture
def grace(owner: Membership) -> Membership:
    member = make_member(owner.organization, Role.ADMIN, make_user("grace@example.com", name="Grace"))
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


def removal(member: Membership) -> str:
    return f"/settings/members/{member.public_id}/remove/"


def role_page(member: Membership) -> str:
    return f"/settings/members/{member.public_id}/role/"


def works(issued: Issued) -> bool:
    return not isinstance(token_lookup.authenticate_token(issued.plaintext), errors.ErrorCode)


def test_it_shows_what_hangs_on_the_person(owner: Membership, grace: Membership) -> None:
    used, idle = make_token(grace, "orders-sync", ["usage.view"]), make_token(grace, "idle")
    make_token(owner, "not hers")
    for _ in range(3):
        program(used).get("/api/v1/usage")
    make_program(grace, name="catalog-import")
    opened(grace)
    browser = browser_of(owner.user)
    for path in (removal(grace), role_page(grace)):
        page = browser.get(path).content.decode()
        row = page[page.index("orders-sync") :].partition("</tr>")[0]
        assert '<td class="number">3</td>' in row
        assert "just now" in row
        assert "Never used" in page[page.index(">idle<") :].partition("</tr>")[0]
        assert "catalog-import" in page
        assert "not hers" not in page
    assert "<dt>API sessions</dt><dd>1</dd>" in browser.get(removal(grace)).content.decode()
    assert works(idle)


def test_ticked_tokens_are_taken_over_and_the_rest_is_revoked(owner: Membership, grace: Membership) -> None:
    kept, ended = make_token(grace, "kept"), make_token(grace, "ended")
    form = {"token": [kept.token.public_id], "recipient": owner.public_id}
    page = browser_of(owner.user).post(removal(grace), form, follow=True).content.decode()
    assert "Grace is removed." in page
    assert (works(kept), works(ended)) == (True, False)
    assert [action for action, _, _ in trail(owner.organization)[2:]] == [
        "token.transferred",
        "member.removed",
        "token.revoked",
    ]


def test_a_taker_who_may_not_is_told_and_nothing_happens(owner: Membership, grace: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN, make_user(name="Alan"))
    strong = make_token(owner, "strong", ["*:*:*"])
    strong.token.responsible = grace
    strong.token.save()
    form = {"token": [strong.token.public_id], "recipient": admin.public_id}
    response = browser_of(owner.user).post(removal(grace), form)
    assert response.status_code == 422
    assert "Alan does not hold everything that the token does." in response.content.decode()
    assert f'value="{strong.token.public_id}" autocomplete="off" checked' in response.content.decode()
    assert Membership.objects.filter(pk=grace.pk).exists()


@pytest.mark.parametrize("recipient", ["", "mem_x"])
def test_without_a_taker_nothing_happens(owner: Membership, grace: Membership, recipient: str) -> None:
    issued = make_token(grace)
    form = {"token": [issued.token.public_id], "recipient": recipient}
    response = browser_of(owner.user).post(removal(grace), form)
    assert "Choose who takes over the ticked tokens." in response.content.decode()
    assert works(issued)


def test_nobody_without_the_right_to_tokens_is_offered_one(owner: Membership, grace: Membership) -> None:
    make_token(grace)
    viewer = make_member(owner.organization, Role.VIEWER, make_user(name="Only Looks"))
    page = browser_of(owner.user).get(removal(grace)).content.decode()
    assert "Only Looks" not in page
    assert viewer.public_id not in page


def test_a_person_leaves_and_works_on_elsewhere(owner: Membership, grace: Membership) -> None:
    elsewhere = make_member(user=grace.user)
    issued = make_token(grace)
    browser = browser_of(grace.user)
    assert browser.get(removal(grace))["Location"] == "/settings/members/leave/"
    page = browser.post("/settings/members/leave/", follow=True).content.decode()
    assert f"You have left {owner.organization.name}." in page
    assert elsewhere.organization.name in page
    assert not works(issued)


def test_the_last_owner_is_told_why_not(owner: Membership) -> None:
    response = browser_of(owner.user).post("/settings/members/leave/")
    assert response.status_code == 422
    assert "An organization needs an owner." in response.content.decode()
    response = browser_of(owner.user).post(role_page(owner), {"role": "viewer"})
    assert "An organization needs an owner." in response.content.decode()


def test_role_permissions_and_tokens_change_in_one_act(owner: Membership, grace: Membership) -> None:
    kept, moved = make_token(grace, "kept"), make_token(grace, "moved")
    form = {
        "role": "viewer",
        "permissions": ["tokens.manage", "index:write:*"],
        "only:index:write:*": "0199, 0200",
        "token": [moved.token.public_id],
        "recipient": owner.public_id,
    }
    page = fresh_browser_of(owner.user).post(role_page(grace), form, follow=True).content.decode()
    assert "Saved. Grace is a viewer." in page
    grace.refresh_from_db()
    assert grace.role == Role.VIEWER
    assert grace.permissions == ["tokens.manage", "index:write:0199", "index:write:0200"]
    assert works(kept)
    assert works(moved)
    moved.token.refresh_from_db()
    assert moved.token.responsible_id == owner.pk


def test_what_no_box_shows_is_kept_and_can_be_taken(owner: Membership, grace: Membership) -> None:
    Membership.objects.filter(pk=grace.pk).update(permissions=["*:read:*", "index:write:7"])
    browser = browser_of(owner.user)
    page = browser.get(role_page(grace)).content.decode()
    assert 'value="*:read:*" autocomplete="off" checked' in page
    assert 'name="only:index:write:*" type="text" value="7"' in page
    same = {"role": "admin", "permissions": ["index:write:*", "*:read:*"], "only:index:write:*": "7"}
    browser.post(role_page(grace), same)
    assert trail(owner.organization) == []
    browser.post(role_page(grace), {"role": "admin"})
    grace.refresh_from_db()
    assert grace.permissions == []


def test_a_forged_permission_is_refused_in_words(owner: Membership, grace: Membership) -> None:
    browser = browser_of(make_member(owner.organization, Role.ADMIN).user)
    forged = browser.post(role_page(grace), {"role": "admin", "permissions": ["account:admin:*"]})
    assert "You do not hold account:admin:* yourself." in forged.content.decode()
    unknown = browser.post(role_page(grace), {"role": "admin", "permissions": ["*:*:*"]})
    assert "There is no permission *:*:*." in unknown.content.decode()
    raised = fresh_browser(Membership.objects.get(pk=make_member(owner.organization, Role.ADMIN).pk))
    assert "This takes the role owner." in raised.post(role_page(grace), {"role": "owner"}).content.decode()
    grace.refresh_from_db()
    assert (grace.role, grace.permissions) == (Role.ADMIN, [])


def test_making_an_owner_asks_who_one_is(owner: Membership, grace: Membership) -> None:
    stale = browser_of(owner.user).post(role_page(grace), {"role": "owner"})
    assert stale["Location"].startswith("/accounts/reauthenticate/")
    fresh_browser(owner).post(role_page(grace), {"role": "owner"})
    grace.refresh_from_db()
    assert grace.role == Role.OWNER


def test_the_number_of_statements_does_not_grow_with_what_hangs(owner: Membership, grace: Membership) -> None:
    browser = browser_of(owner.user)
    # The first page notes that the member was seen.
    browser.get(removal(grace))
    counts = []
    for number in (1, 8):
        for _ in range(number):
            make_token(grace)
            opened(grace)
        with CaptureQueriesContext(connection) as captured:
            browser.get(removal(grace))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def use(issued: Issued) -> Issued:
    """A call of the token today."""
    token, now = issued.token, timezone.now()
    DailyUsage.objects.create(
        bucket=token.organization_id, subject=token.pk, day=now.date(), calls=3, last_used_at=now
    )
    return issued


def test_tokens_in_use_are_proposed_to_the_remover(owner: Membership, grace: Membership) -> None:
    used, idle = use(make_token(grace, "used")), make_token(grace, "idle")
    page = fresh_browser_of(owner.user).get(removal(grace)).content.decode()
    assert f'value="{used.token.public_id}" autocomplete="off" checked' in page
    assert f'value="{idle.token.public_id}" autocomplete="off">' in page
    assert f'<option value="{owner.public_id}" selected>' in page


def test_they_are_proposed_to_the_member_who_holds_their_permissions(
    owner: Membership, grace: Membership
) -> None:
    strong = use(make_token(owner, "strong", ["*:*:*"]))
    ServiceAccountToken.objects.update(responsible=grace)
    admin = make_member(owner.organization, Role.ADMIN)
    page = fresh_browser_of(admin.user).get(removal(grace)).content.decode()
    assert f'value="{strong.token.public_id}" autocomplete="off" checked' in page
    assert f'<option value="{owner.public_id}" selected>' in page


def test_who_leaves_is_proposed_nothing(owner: Membership, grace: Membership) -> None:
    use(make_token(grace, "used"))
    assert "checked" not in fresh_browser_of(grace.user).get("/settings/members/leave/").content.decode()
