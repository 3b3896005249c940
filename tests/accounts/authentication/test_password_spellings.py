"""A password is its letters, whichever code points a keyboard sends for them; older hashes go on working."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, make_password

from accounts.models import User
from tests.accounts.authentication.flows import login_json, make_person, sign_up_on_page
from tests.support.mails import MailingClient, last_mail, path_of
from tests.support.people import make_plan

pytestmark = pytest.mark.django_db
COMPOSED = "ol\u00e9 ol\u00e9 quiet otters"
DECOMPOSED = "ole\u0301 ole\u0301 quiet otters"
EMAIL = "ann@example.com"


@pytest.mark.parametrize(("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_either_spelling_opens_what_the_other_was_chosen_for(chosen: str, typed: str) -> None:
    make_plan()
    browser = MailingClient()
    sign_up_on_page(browser, EMAIL, password=chosen)
    browser.post(path_of(last_mail()))
    assert login_json(MailingClient(), EMAIL, typed).status_code == 200
    user = User.objects.get()
    user.set_password(chosen)
    assert user.check_password(typed)


def test_a_hash_of_what_was_typed_before_goes_on_working() -> None:
    person = make_person(EMAIL)
    User.objects.filter(pk=person.pk).update(password=make_password(DECOMPOSED))
    assert login_json(MailingClient(), EMAIL, DECOMPOSED).status_code == 200


@pytest.mark.parametrize("password", [COMPOSED, DECOMPOSED])
def test_an_unknown_account_costs_as_many_hashes(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_person(EMAIL)
    made: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, text: str, salt: str) -> str:
        made.append(text)
        return encode(self, text, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    login_json(MailingClient(), EMAIL, password)
    known = len(made)
    login_json(MailingClient(), "unknown@example.com", password)
    assert len(made) - known == known
