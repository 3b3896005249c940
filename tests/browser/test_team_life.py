"""A team's life in a browser: invited, joined, made an admin, at work, removed, refused, and on record."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from playwright.sync_api import Page, expect

from accounts.audit import log
from accounts.audit.models import AuditEvent
from accounts.models import Membership
from accounts.permissions.roles import Role
from tests.browser.conftest import sign_in
from tests.browser.test_token_life import call, create
from tests.support import people
from tests.support.mails import last_mail, path_of
from tests.support.people import make_member, make_plan, make_token
from tests.support.team import make_proven

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL, PASSWORD = "grace@example.com", "quiet otters dance at noon"


def invite(page: Page, role: str) -> str:
    """Invite Grace on the page; the path of the link in her mail."""
    page.goto("/settings/members/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text(f"We sent an invitation to {EMAIL}.")).to_be_visible()
    found = re.search(
        r"http://127\.0\.0\.1:8000(/accounts/invitations/[A-Za-z0-9]{43}/)", str(mail.outbox[-1].body)
    )
    assert found is not None
    return found[1]


def join(page: Page, link: str) -> None:
    """Sign up by the invitation, and sign in."""
    page.goto(link)
    expect(page.get_by_role("heading", name="Join Acme")).to_be_visible()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill("Grace Hopper")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up and join").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/settings/tokens/")


def found(page: Page) -> Membership:
    """Sign up as Ada with an organization of one's own, and prove the address by the mail."""
    make_plan()
    page.goto("/accounts/signup/")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Acme")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    page.goto(path_of(last_mail()))
    page.get_by_role("button", name="Confirm address").click()
    page.wait_for_url("**/settings/tokens/")
    return Membership.objects.get(user__email="ada@example.com")


def test_from_signing_up_to_a_removal_it_is_all_on_record(new_page):
    ada, grace = new_page(), new_page()
    acme = found(ada)
    join(grace, invite(ada, "member"))
    expect(grace.get_by_role("button", name="Create token")).to_be_disabled()

    ada.goto("/settings/members/")
    ada.get_by_role("link", name="Change role of Grace Hopper").click()
    ada.get_by_role("radio", name="Admin Tokens").check()
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("Saved. Grace Hopper is an admin.")).to_be_visible()

    secret = create(grace, "hers")
    assert call(grace, secret).status == 200

    ada.goto("/settings/members/")
    ada.get_by_role("row").filter(has_text=EMAIL).get_by_role("button", name="Remove").click()
    dialog = ada.get_by_role("dialog", name="Remove Grace Hopper?")
    expect(dialog.get_by_role("row").filter(has_text="hers")).to_contain_text("just now")
    # A token in use is proposed for transfer, which would keep it working.
    dialog.get_by_role("row").filter(has_text="hers").get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Remove member").click()
    expect(ada.get_by_text("Grace Hopper is removed.")).to_be_visible()

    refused = call(grace, secret)
    assert (refused.status, refused.json()["code"]) == (401, "token_revoked")
    grace.goto("/settings/tokens/")
    expect(grace.get_by_role("heading", name="You belong to no organization")).to_be_visible()

    events = AuditEvent.objects.filter(organization=acme.organization).order_by("sequence")
    team = events.filter(action__regex="^(invitation|member|token)")
    assert list(team.values_list("action", "actor_name")) == [
        ("member.joined", "Ada Lovelace"),
        ("invitation.created", "Ada Lovelace"),
        ("invitation.accepted", "Grace Hopper"),
        ("member.joined", "Grace Hopper"),
        ("member.role_changed", "Ada Lovelace"),
        ("token.created", "Grace Hopper"),
        ("member.removed", "Ada Lovelace"),
        ("token.revoked", "Ada Lovelace"),
    ]
    assert {event.address for event in team} == {"127.0.0.1"}
    call_command("audit_verify")
    altered = team[4].sequence
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_auditevent SET actor_name = 'Mallory' WHERE sequence = %s", [altered])
    with pytest.raises(CommandError, match="Broken: 1"):
        call_command("audit_verify")
    assert log.first_broken(acme.organization_id) == altered


def test_without_scripts_a_token_is_taken_over_before_the_rest_ends(new_page, acme):
    grace = make_member(acme.organization, Role.ADMIN, make_proven(EMAIL, name="Grace Hopper"))
    kept, ended = make_token(grace, "kept"), make_token(grace, "ended")
    page = sign_in(new_page(java_script_enabled=False), acme.user)
    page.goto("/settings/members/")
    page.get_by_role("row").filter(has_text=EMAIL).get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Remove Grace Hopper?")).to_be_visible()
    page.get_by_label("Keep kept").check()
    expect(page.get_by_label("The ticked ones go to")).to_have_value(acme.public_id)
    page.get_by_role("button", name="Remove member").click()
    expect(page.get_by_text("Grace Hopper is removed.")).to_be_visible()
    assert call(page, kept.plaintext).status == 200
    assert call(page, ended.plaintext).status == 401


def test_whoever_makes_an_owner_types_the_password_again_and_what_was_sent_is_kept(new_page, acme):
    grace = make_member(acme.organization, Role.ADMIN, make_proven(EMAIL, name="Grace Hopper"))
    page = sign_in(new_page(), acme.user)
    age_proofs()
    page.goto(f"/settings/members/{grace.public_id}/role/")
    page.get_by_role("radio", name="Owner Everything").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/accounts/reauthenticate/**")
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Saved. Grace Hopper is an owner.")).to_be_visible()
    assert Membership.objects.get(pk=grace.pk).role == Role.OWNER


def age_proofs() -> None:
    """As if everybody had signed in long ago."""
    for session in Session.objects.all():
        kept = session.get_decoded()
        for proof in kept["account_authentication_methods"]:
            proof["at"] -= 10_000
        Session.objects.save(session.session_key, kept, session.expire_date)
