"""A token was made: its organization gets a mail, and the request waits for no mail server."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse

from accounts.errors import APIError
from accounts.models import Membership, Notice
from accounts.notifications import outbox
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.notices import html_of, told_since
from tests.support.people import actor, browser_of, make_member, make_organization, make_token
from tests.support.team import fresh_browser
from tokens.models import ServiceAccountToken
from tokens.notifications.dispatch import enqueue
from tokens.service_accounts.issue import Issued, issue

pytestmark = pytest.mark.django_db
BROKEN = "tests.accounts.notifications.broken_mail.Backend"


def results() -> list[tuple[str, str]]:
    before = len(mail.outbox)
    enqueue()
    outbox.deliver()
    return told_since(before)


def test_owners_and_admins_are_told_the_maker_too() -> None:
    owner = make_member(make_organization("Acme"))
    admin = make_member(owner.organization, Role.ADMIN)
    make_member(owner.organization, Role.VIEWER)
    made = make_token(admin, "ci", ["index:read:*", "members.view"])
    subject = "A new API token in Acme"
    assert results() == sorted([(owner.user.email, subject), (admin.user.email, subject)])
    assert results() == []
    body = str(mail.outbox[-1].body)
    assert f"The API token “ci” has been created in Acme by {admin.user.display_name}." in body
    assert "Permissions: index:read:*, members.view" in body
    assert f"/settings/tokens/{made.token.public_id}/" in body


def test_nothing_of_the_secret_but_its_ends_is_in_a_mail(owner: Membership) -> None:
    made = make_token(owner)
    results()
    whole = str(mail.outbox[-1].message()) + html_of()
    assert made.plaintext[7:15] not in whole
    assert f"{made.plaintext[:7]}…{made.plaintext[-4:]}" in html_of()


def test_a_name_is_no_link_and_no_markup(owner: Membership) -> None:
    make_token(owner, "<b>https://evil.example/")
    results()
    assert "https://evil.example" not in str(mail.outbox[-1].body) + html_of()
    assert "<b>" not in html_of()


def test_several_of_one_round_share_a_mail(owner: Membership) -> None:
    for name in ("one", "two", "three"):
        make_token(owner, name)
    [(_, subject)] = results()
    assert subject.startswith("3 new API tokens in ")
    assert all(f"* {name}: tsr_sa_…" in str(mail.outbox[-1].body) for name in ("one", "two", "three"))


def test_a_program_that_makes_one_is_named(issued: Issued) -> None:
    results()
    body = {"name": "child", "permissions": ["index:read:*"], "expiresInDays": 30}
    assert program(issued).post("/api/v1/tokens", body).status_code == 201
    assert len(results()) == 1
    assert "by the API token “Everything”." in str(mail.outbox[-1].body)


def test_the_page_answers_while_the_mail_server_is_away(owner: Membership, settings) -> None:
    settings.EMAIL_BACKEND = BROKEN
    form = {"name": "ci", "permissions": ["index:read:*"], "expiration": "90"}
    response = fresh_browser(owner).post(reverse("token_new"), form, follow=True)
    assert response.status_code == 200
    assert b"Your new token" in response.content
    assert Notice.objects.filter(kind="token_created", sent_at=None).count() == 1


def test_a_token_that_was_not_made_is_not_told(owner: Membership) -> None:
    with pytest.raises(APIError):
        issue(actor=actor(owner), name="x", permissions=["index:read:*"], expires_in_days=1000)
    with transaction.atomic():
        make_token(owner)
        transaction.set_rollback(True)
    assert results() == []


def test_what_a_command_makes_is_told_to_nobody(owner: Membership) -> None:
    how = {"email": owner.user.email, "organization": owner.organization.name}
    call_command("bootstrap", **how, token="ci", permission=["index:read:*"], stdout=StringIO())
    assert ServiceAccountToken.objects.filter(name="ci").exists()
    assert results() == []


def test_the_link_of_the_mail_opens_the_token(owner: Membership) -> None:
    make_token(owner, "ci")
    results()
    link = next(word for word in str(mail.outbox[-1].body).split() if "/settings/tokens/" in word)
    assert b"ci" in browser_of(owner.user).get("/" + link.split("/", 3)[3]).content
