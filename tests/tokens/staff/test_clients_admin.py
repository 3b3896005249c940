"""OAuth clients in the admin: found, looked at, deleted in bulk; never a digest, a secret or an edit."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from tests.support.people import make_member, make_organization, make_staff
from tests.tokens.oauth.calls import Program, make_program, whoami
from tokens.crypto import opaque
from tokens.models import OAuthClient

LIST = reverse("admin:tokens_oauthclient_changelist")


def page_of(program: Program, page: str = "change") -> str:
    return reverse(f"admin:tokens_oauthclient_{page}", args=[program.row.pk])


def delete(browser: Client, *programs: Program, **more: str) -> str:
    form = {
        "action": "delete_clients",
        "_selected_action": [one.row.pk for one in programs],
        "confirmed": "yes",
    }
    return browser.post(LIST, form | more, follow=True).content.decode()


def found(browser: Client, **query: str) -> set[str]:
    return {client.name for client in browser.get(LIST, query).context["cl"].result_list}


@pytest.fixture
def acme(db: None) -> Membership:
    return make_member(make_organization("Acme"))


def test_clients_are_found_by_name_last_four_or_organization(staff: Client, acme: Membership) -> None:
    first = make_program(acme, name="nightly")
    make_program(make_member(make_organization("Umbrella")), name="other")
    assert found(staff, q="night") == {"nightly"}
    assert found(staff, q=first.secret[-4:]) == {"nightly"}
    assert found(staff, q="acme") == {"nightly"}
    assert found(staff, q=opaque.digest(first.secret).hex()) == set()
    lookup = {"secrets__digest__contains": "x"}
    assert staff.get(LIST, lookup).status_code in (302, 400)


def test_a_clients_page_shows_no_secret_and_changes_nothing(staff: Client, acme: Membership) -> None:
    program = make_program(acme)
    page = staff.get(page_of(program)).content.decode()
    assert f"…{program.secret[-4:]}" in page
    for hidden in (program.secret, opaque.digest(program.secret).hex()):
        assert hidden not in page
    assert staff.post(page_of(program), {"name": "Changed"}).status_code == 403
    assert staff.get(page_of(program, "delete")).status_code == 403
    assert staff.get(reverse("admin:tokens_oauthclient_add")).status_code == 403
    assert OAuthClient.objects.get().name == "Importer"


def test_deletion_asks_first_ends_the_tokens_and_logs_each(staff: Client, acme: Membership) -> None:
    chosen = [make_program(acme, name="one"), make_program(make_member(), name="two")]
    kept = make_program(acme, name="three")
    tokens = [one.grant()["access_token"] for one in (*chosen, kept)]
    page = delete(staff, *chosen, confirmed="")
    assert "one" in page
    assert not OAuthClient.objects.exclude(deleted_at=None).exists()
    assert "Deleted: 2." in delete(staff, *chosen)
    assert [whoami(token).status_code for token in tokens] == [401, 401, 200]
    logged = set(LogEntry.objects.values_list("object_id", "change_message"))
    assert logged == {(str(one.row.pk), "Deleted with all its tokens") for one in chosen}
    assert "Deleted: 0." in delete(staff, *chosen)


def test_only_staff_who_may_delete_clients_do_so(acme: Membership) -> None:
    program = make_program(acme)
    looker = make_staff("tokens.view_oauthclient")
    assert looker.get(page_of(program)).status_code == 200
    delete(looker, program)
    assert OAuthClient.objects.get().deleted_at is None
    delete(make_staff("tokens.view_oauthclient", "tokens.delete_oauthclient"), program)
    assert OAuthClient.objects.get().deleted_at is not None
