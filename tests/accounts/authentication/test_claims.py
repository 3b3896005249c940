"""Two people want accounts of one address, in any order of requests: neither's password opens the other's.

Both may invite the address as well: an invitation adds its own address's account to the organization alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Invitation, User
from tests.accounts.authentication.flows import login_json, make_person, sign_in, sign_up_on_page
from tests.support.mails import MailingClient, link_of, path_of, secret_of
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db
ADDRESS = "wanted@example.com"
OWNER, STRANGER = "quiet otters dance at noon", "seven brass kettles sing low"
NEW = "eleven grey herons hum along"
EXAMPLES = int(os.environ.get("CLAIM_EXAMPLES", "25"))
REQUESTS = ("sign up", "sign up by JSON", "magic link", "reset", "move", "invite")
OPENINGS = ("own browser", "other browser", "JSON")


@dataclass
class House:
    """The owner of the mailbox and a stranger, each with an account of another address as well."""

    owner: MailingClient = field(default_factory=MailingClient)
    stranger: MailingClient = field(default_factory=MailingClient)
    owns: set[str] = field(default_factory=set)

    def begin(self) -> None:
        mail.outbox.clear()
        for name, browser in (("owner", self.owner), ("stranger", self.stranger)):
            user = make_person(f"{name}@example.com")
            user.set_password(OWNER if name == "owner" else STRANGER)
            user.save()
            sign_in(browser, user.email, OWNER if name == "owner" else STRANGER)

    def ask(self, what: str, *, stranger: bool) -> None:
        password = STRANGER if stranger else OWNER
        inside = self.stranger if stranger else self.owner
        guest = self.guests[stranger]
        body = {"email": ADDRESS, "name": "Nora", "password": password}
        asked: dict[str, Callable[[], object]] = {
            "sign up": lambda: sign_up_on_page(guest, ADDRESS, password=password),
            "sign up by JSON": lambda: guest.send_json("/v1/auth/signup", body),
            "magic link": lambda: guest.send_json("/v1/auth/magic-link", {"email": ADDRESS}),
            "reset": lambda: guest.send_json("/v1/auth/password-reset", {"email": ADDRESS}),
            "move": lambda: inside.post("/accounts/email/", {"email": ADDRESS}),
            "invite": lambda: inside.post("/settings/members/invite/", {"email": ADDRESS, "role": "member"}),
        }
        asked[what]()

    def open(self, message: EmailMessage, how: str) -> None:
        """As the owner of the mailbox, who gives a password of their own wherever they are asked."""
        if "/invitations/" in path_of(message):
            # The stranger has the link too, but not the address that it is for.
            self.stranger.post(path_of(message))
        if how == "JSON":
            token = secret_of(message)
            MailingClient().send_json("/v1/auth/magic-link/verify", {"token": token})
            body = {"token": token, "password": NEW}
            MailingClient().send_json("/v1/auth/password-reset/confirm", body)
            body = {"email": ADDRESS, "name": "Nora", "password": NEW, "invitation": token}
            MailingClient().send_json("/v1/auth/signup", body)
            return
        browsers = (self.guests[False], self.owner) if how == "own browser" else (MailingClient(),)
        for browser in browsers:
            answer = browser.post(path_of(message))
            if answer.status_code == 400:
                browser.post(path_of(message), {"password": NEW})
            elif answer.status_code == 200 and "/invitations/" in path_of(message):
                sign_up_on_page(browser, ADDRESS, password=NEW)

    def __post_init__(self) -> None:
        self.guests = {False: MailingClient(), True: MailingClient()}


def holds() -> None:
    """What must be true after every step."""
    account = User.objects.filter(email=ADDRESS).first()
    owner = User.objects.filter(email="owner@example.com").first()
    stranger = User.objects.get(email="stranger@example.com")
    assert stranger.check_password(STRANGER)
    assert stranger.memberships.count() == 1
    joined = set(Invitation.objects.exclude(accepted_at=None).values_list("organization", flat=True))
    if account is None:
        assert not joined
        return
    assert not account.check_password(STRANGER)
    opened = {one for one in (OWNER, NEW) if account.check_password(one)}
    assert opened or not account.has_usable_password()
    places = set(account.memberships.values_list("organization", flat=True))
    assert joined <= places
    assert len(places - joined) <= 1
    assert (owner or account).memberships.filter(role="owner").count() == 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(REQUESTS), st.booleans()),
        st.tuples(st.just("open"), st.sampled_from(OPENINGS), st.integers(0, 5)),
    ),
    min_size=2,
    max_size=8,
)


@pytest.fixture(autouse=True)
def _unlimited(settings) -> None:
    for name in ("SIGN_UPS_PER_ADDRESS", "LINKS_PER_ADDRESS", "MAILS_PER_HOUR", "MAILS_EVERYWHERE"):
        setattr(settings, name, 100_000)
    settings.SIGN_INS_PER_ACCOUNT = 100_000
    make_plan()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=steps)
@example(order=[("ask", "move", True), ("open", "own browser", 0)])
@example(order=[("ask", "sign up", False), ("ask", "sign up", True), ("open", "other browser", 1)])
@example(order=[("ask", "sign up", True), ("ask", "magic link", False), ("open", "JSON", 1)])
@example(order=[("ask", "sign up", True), ("ask", "invite", True), ("open", "other browser", 1)])
@example(order=[("ask", "invite", True), ("open", "own browser", 0)])
def test_no_order_of_requests_lets_one_persons_password_into_the_others_account(
    order: list[tuple[str, str, int]],
) -> None:
    before = transaction.savepoint()
    house = House()
    house.begin()
    try:
        for act, what, which in order:
            if act == "ask":
                house.ask(what, stranger=bool(which))
            elif received := [one for one in mail.outbox if one.to == [ADDRESS] and len(link_of(one)) > 60]:
                house.open(received[which % len(received)], what)
            holds()
        answer = login_json(MailingClient(), ADDRESS, STRANGER)
        assert answer.status_code == 401, answer.content
    finally:
        transaction.savepoint_rollback(before)


def test_a_request_that_mails_nothing_changes_nothing(settings) -> None:
    settings.MAILS_PER_HOUR = 1
    owner = MailingClient()
    sign_up_on_page(owner, ADDRESS, password=OWNER)
    for _ in range(3):
        sign_up_on_page(MailingClient(), ADDRESS, password=STRANGER)
    assert len(mail.outbox) == 1
    assert owner.post(path_of(mail.outbox[0]))["Location"] == "/settings/tokens/"
    assert User.objects.get(email=ADDRESS).check_password(OWNER)


def test_the_stranger_and_the_owner_each_confirm_what_they_asked_for() -> None:
    """The newest mail is the stranger's; what it opens, it opens with a password of the owner's choice."""
    sign_up_on_page(MailingClient(), ADDRESS, password=OWNER)
    stranger = MailingClient()
    sign_up_on_page(stranger, ADDRESS, password=STRANGER)
    owner = MailingClient()
    assert owner.post(path_of(mail.outbox[-1])).status_code == 400
    assert owner.post(path_of(mail.outbox[-1]), {"password": NEW}).status_code == 302
    assert login_json(MailingClient(), ADDRESS, STRANGER).status_code == 401
    assert login_json(MailingClient(), ADDRESS, NEW).status_code == 200
