"""Settings, Audit log: each event leads to the page of what it names, where the reader may see that."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import typeid
from accounts.audit import log
from accounts.audit.log import Target
from accounts.models import Membership
from accounts.pages import audit_log_links, members
from accounts.permissions.actor import SYSTEM
from accounts.permissions.roles import Role
from accounts.permissions.scopes import ScopeSet
from tests.support.people import actor, browser_of, make_member, make_token
from tests.support.team import make_invited
from tests.tokens.oauth.calls import make_program
from tokens.service_accounts.revoke import revoke

PATH = "/settings/audit-log/"


def log_of(member: Membership, query: str = "") -> str:
    response = browser_of(member.user).get(PATH + query)
    assert response.status_code == 200
    return response.content.decode()


def record(member: Membership, target: Target, action: str = "member.role_changed") -> None:
    log.record(organization_id=member.organization_id, action=action, actor=actor(member), target=target)


def page_of(html: str, name: str) -> str | None:
    """Where the name of the first event's target leads to."""
    found = re.search(rf'<a href="([^"]+)">{re.escape(name)}</a>', html)
    return found[1] if found else None


def test_a_token_a_client_a_member_and_an_invitation_are_linked(owner: Membership) -> None:
    token = make_token(owner, "Deployments").token
    client = make_program(owner, name="Importer")
    invitation = make_invited(owner, "grace@example.com").invitation
    colleague = make_member(owner.organization)
    for name, target in (
        ("By member", Target("member", colleague.public_id, "By member")),
        ("By user", Target("user", colleague.user.public_id, "By user")),
    ):
        record(owner, target)
        member = f"/settings/members/?member={colleague.public_id}#{colleague.public_id}"
        assert page_of(log_of(owner), name) == member
    html = log_of(owner)
    pages = {
        "Deployments": f"/settings/tokens/{token.public_id}/",
        "Importer": f"/settings/clients/{client.id}/",
        "grace@example.com": f"/settings/members/#{invitation.public_id}",
    }
    for name, page in pages.items():
        assert page_of(html, name) == page
        assert browser_of(owner.user).get(page.partition("#")[0]).status_code == 200
    assert f'id="{invitation.public_id}"' in browser_of(owner.user).get("/settings/members/").content.decode()


def test_the_actor_is_linked_too(owner: Membership) -> None:
    make_token(owner, "Deployments")
    assert page_of(log_of(owner), owner.user.display_name) is not None


def test_a_revoked_token_is_linked(owner: Membership) -> None:
    token = make_token(owner, "Old").token
    revoke(token=token, actor=actor(owner))
    assert page_of(log_of(owner), "Old") == f"/settings/tokens/{token.public_id}/"


def test_what_is_gone_or_of_another_organization_is_not_linked(owner: Membership) -> None:
    colleague, stranger = make_member(owner.organization), make_member()
    theirs = make_token(stranger, "Theirs").token
    for target in (
        Target("member", colleague.public_id, "Gone"),
        Target("member", stranger.public_id, "Elsewhere"),
        Target("token", theirs.public_id, "Theirs"),
        Target("token", "tok_made-up", "Made up"),
        Target("token", typeid.encode("tok", typeid.new()), "Unknown"),
    ):
        record(owner, target)
    colleague.delete()
    html = log_of(owner)
    for name in ("Gone", "Elsewhere", "Theirs", "Made up", "Unknown"):
        assert page_of(html, name) is None
        assert name in html


def test_only_pages_that_the_reader_may_open_are_linked(owner: Membership) -> None:
    token = make_token(owner).token
    reader = replace(actor(owner), scopes=ScopeSet.of(["auditLog.view", "members.view"]))
    named = [token.public_id, owner.public_id]
    found = audit_log_links.links(reader, owner.organization_id, named)
    assert found.keys() == {owner.public_id}


def test_a_member_is_found_on_the_page_that_lists_them(
    owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "PER_PAGE", 2)
    late = [make_member(owner.organization) for _ in range(4)]
    for number, member in enumerate(late):
        Membership.objects.filter(pk=member.pk).update(joined_at=timezone.now() + timedelta(days=number))
    browser = browser_of(owner.user)
    for member in late:
        html = browser.get(f"/settings/members/?member={member.public_id}").content.decode()
        assert f'id="{member.public_id}"' in html
    assert "member=" not in "".join(re.findall(r'rel="(?:prev|next)" href="([^"]*)"', html))
    for unknown in ("mem_made-up", make_member().public_id):
        html = browser.get(f"/settings/members/?member={unknown}").content.decode()
        assert f'id="{owner.public_id}"' in html


def test_the_links_cost_one_query_for_three_events_and_for_three_hundred(owner: Membership) -> None:
    browser = browser_of(owner.user)
    log.record(actor=SYSTEM, organization_id=owner.organization_id, action="organization.restored")
    browser.get(PATH)

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(PATH).status_code == 200
        return len(asked)

    before = count()
    make_token(owner)
    make_program(owner)
    make_invited(owner)
    few = count()
    assert few == before + 1
    for number in range(300):
        record(owner, Target("token", typeid.encode("tok", typeid.new()), f"token {number}"))
    assert count() == few


def test_the_events_of_one_target_are_a_link_away(owner: Membership) -> None:
    token = make_token(owner, "Deployments").token
    make_token(owner, "Other")
    link = f"{PATH}?target={token.public_id}"
    assert f'href="{link}"' in log_of(owner)
    html = log_of(owner, f"?target={token.public_id}")
    assert "Deployments" in html
    assert ">Other<" not in html
    assert f'value="{token.public_id}"' in html
    assert f"export.csv?target={token.public_id}" in html


def test_a_client_and_a_member_lead_to_their_events(owner: Membership) -> None:
    client = make_program(owner)
    colleague = make_member(owner.organization)
    pages = {
        f"/settings/clients/{client.id}/": f"{PATH}?target={client.id}",
        f"/settings/members/{colleague.public_id}/role/": f"{PATH}?actor={colleague.user.public_id}",
    }
    viewer = make_member(owner.organization, Role.VIEWER)
    for page, events in pages.items():
        assert f'href="{events}"' in browser_of(owner.user).get(page).content.decode()
        assert PATH not in browser_of(viewer.user).get(page).content.decode()


def test_times_have_seconds_and_utc_on_hover(owner: Membership) -> None:
    make_token(owner)
    found = re.findall(r'<time datetime="([^"]+)" title="([^"]+)" data-form="second">([^<]+)<', log_of(owner))
    assert found
    for iso, title, words in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", iso)
        assert title == words
        assert re.fullmatch(r"\d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC", title)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_a_target_opens_the_log_to_no_other_role(owner: Membership, role: Role) -> None:
    member = make_member(owner.organization, role)
    assert browser_of(member.user).get(f"{PATH}?target=x").status_code == 403
