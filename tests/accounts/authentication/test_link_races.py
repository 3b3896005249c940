"""A mailed link that many use at the same moment is used once."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.authentication.flows import make_person
from tests.support.mails import MailingClient, last_mail, path_of, secret_of
from tests.support.people import make_plan
from tests.support.threads import at_once
from tokens.models import Grant

pytestmark = pytest.mark.django_db(transaction=True)
EIGHT = 8


def in_parallel(path: str, body: dict[str, str]) -> list[Any]:
    """The statuses of eight requests at once, the least first."""
    text = json.dumps(body)
    ask = lambda: Client().post(path, text, content_type="application/json").status_code  # noqa: E731
    return sorted(at_once([ask] * EIGHT))


def test_one_of_eight_signs_in_by_a_link() -> None:
    make_plan()
    make_person()
    MailingClient().send_json("/v1/auth/magic-link", {"email": "ann@example.com"})
    body = {"token": secret_of(last_mail())}
    answers = in_parallel("/v1/auth/magic-link/verify", body)
    assert answers == [200] + [400] * (EIGHT - 1)
    assert Grant.objects.count() == 1


def test_one_of_eight_resets_the_password() -> None:
    make_plan()
    person = make_person()
    MailingClient().send_json("/v1/auth/password-reset", {"email": "ann@example.com"})
    body = {"token": secret_of(last_mail()), "password": "seven brass kettles sing low"}
    answers = in_parallel("/v1/auth/password-reset/confirm", body)
    assert answers == [204] + [400] * (EIGHT - 1)
    person.refresh_from_db()
    assert person.check_password(body["password"])


def test_eight_sign_ups_at_once_open_one_account() -> None:
    make_plan()
    body = {"email": "new@example.com", "password": "quiet otters dance at noon", "name": "Nora"}
    assert in_parallel("/v1/auth/signup", body) == [202] * EIGHT
    links = [path_of(message) for message in mail.outbox]
    assert len(links) == 3
    confirm = [partial(Client().post, path, {"password": body["password"]}) for path in links]
    assert sorted(response.status_code for response in at_once(confirm)) == [302, 404, 404]
    assert User.objects.count() == 1
