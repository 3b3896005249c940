"""API tokens in the admin: found, looked at, revoked in bulk; never a digest, a secret or an edit."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Membership
from tests.support.clients import program
from tests.support.people import actor, make_member, make_organization, make_staff, make_token
from tokens.crypto import opaque
from tokens.models import ServiceAccountToken, Status, TokenSecret
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.rotation import cancel, finish, rotate

LIST = reverse("admin:tokens_serviceaccounttoken_changelist")


def page_of(issued: Issued, page: str = "change") -> str:
    return reverse(f"admin:tokens_serviceaccounttoken_{page}", args=[issued.token.pk])


def revoke(browser: Client, *issued: Issued, **more: str) -> str:
    return act(browser, "revoke", *issued, **more)


def act(browser: Client, action: str, *issued: Issued, **more: str) -> str:
    form = {"action": action, "_selected_action": [one.token.pk for one in issued], "confirmed": "yes"}
    return browser.post(LIST, form | more, follow=True).content.decode()


def found(browser: Client, **query: str) -> set[str]:
    return {token.name for token in browser.get(LIST, query).context["cl"].result_list}


@pytest.fixture
def acme(db: None) -> Membership:
    return make_member(make_organization("Acme"))


def test_tokens_are_found_by_name_last_four_or_organization(staff: Client, acme: Membership) -> None:
    first = make_token(acme, "nightly")
    make_token(acme, "weekly")
    make_token(make_member(make_organization("Umbrella")), "other")
    assert found(staff, q="night") == {"nightly"}
    assert found(staff, q=first.plaintext[-4:]) == {"nightly"}
    assert found(staff, q="acme") == {"nightly", "weekly"}
    assert found(staff, q="umbrella") == {"other"}
    assert found(staff, q=opaque.digest(first.plaintext).hex()) == set()


def test_the_list_shows_the_secrets_that_are_valid(staff: Client, acme: Membership) -> None:
    def masked() -> str:
        return admin.site._registry[ServiceAccountToken].masked(ServiceAccountToken.objects.get())  # type: ignore[attr-defined,no-any-return]

    old = make_token(acme)
    new = rotate(token=old.token, actor=actor(acme))
    assert masked() == f"tsr_sa_…{new.plaintext[-4:]}, tsr_sa_…{old.plaintext[-4:]}"
    assert masked() in staff.get(LIST).content.decode()
    finish(token=old.token, actor=actor(acme))
    assert masked() == f"tsr_sa_…{new.plaintext[-4:]}"
    newer = rotate(token=old.token, actor=actor(acme))
    cancel(token=old.token, actor=actor(acme))
    assert newer.plaintext[-4:] not in masked()


def test_tokens_are_filtered_by_status(staff: Client, acme: Membership) -> None:
    gone = make_member(acme.organization)
    make_token(acme, "active")
    act(staff, "pause", make_token(acme, "paused"))
    make_token(acme, "expired", expires_in_days=1, now=timezone.now() - timedelta(days=2))
    revoke(staff, make_token(acme, "revoked"))
    make_token(gone, "orphaned")
    Membership.objects.filter(pk=gone.pk)._raw_delete("default")
    assert found(staff, status="active") == {"active", "paused"}
    assert found(staff, status="paused") == {"paused"}
    assert found(staff, status="expired") == {"expired"}
    assert found(staff, status="revoked") == {"revoked", "orphaned"}
    assert found(staff) == {"active", "paused", "expired", "revoked", "orphaned"}


def test_a_token_shows_its_secrets_its_rotation_and_what_restricts_it(
    staff: Client, acme: Membership
) -> None:
    old = make_token(acme, "nightly")
    now = timezone.now()
    new = rotate(token=old.token, actor=actor(acme), now=now)
    until = f"{(now + timedelta(days=1)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    ServiceAccountToken.objects.update(
        paused_at=now,
        paused_reason="Incident 7",
        metadata={"customer": "c-42"},
        allowed_addresses=["203.0.113.0/24"],
        requests_per_day=4321,
    )
    html = staff.get(page_of(old)).content.decode()
    for text in (
        f"tsr_sa_…{new.plaintext[-4:]}, created ",
        f"tsr_sa_…{old.plaintext[-4:]}, created ",
        f"valid until {until}",
        f"the old secret ends {until}",
        "Incident 7",
        "c-42",
        "203.0.113.0/24",
        "4321",
    ):
        assert text in html
    assert old.plaintext not in html


def test_bulk_revocation_asks_first_and_logs_each(staff: Client, acme: Membership) -> None:
    chosen = [make_token(acme), make_token(acme), make_token(make_member())]
    kept = make_token(acme)
    program(chosen[0]).get("/api/auth/whoami")
    page = revoke(staff, *chosen, confirmed="")
    assert all(one.token.name in page for one in chosen)
    assert (page.count("1 call in 24 hours, 1 in 7 days, last 20"), page.count("Never used.")) == (1, 2)
    assert not ServiceAccountToken.objects.exclude(revoked_at=None).exists()
    assert "Revoked: 3." in revoke(staff, *chosen, reason="Seen in a public repository")
    revoked = ServiceAccountToken.objects.exclude(revoked_at=None)
    assert {token.pk for token in revoked} == {one.token.pk for one in chosen}
    assert {token.revoked_reason for token in revoked} == {"Seen in a public repository"}
    assert {token.revoked_by.email for token in revoked if token.revoked_by} == {"staff@example.com"}
    logged = set(LogEntry.objects.values_list("object_id", "change_message"))
    assert logged == {(str(one.token.pk), "Revoked: Seen in a public repository") for one in chosen}
    assert ServiceAccountToken.objects.get(pk=kept.token.pk).revoked_at is None


def test_revoking_again_changes_and_logs_nothing(staff: Client, acme: Membership) -> None:
    issued = make_token(acme)
    revoke(staff, issued)
    before = ServiceAccountToken.objects.values().get()
    revoke(staff, issued, reason="again")
    assert ServiceAccountToken.objects.values().get() == before
    assert LogEntry.objects.count() == 1


def test_a_pause_and_a_resumption_ask_first_and_log_each(staff: Client, acme: Membership) -> None:
    chosen = [make_token(acme), make_token(acme), make_token(make_member())]
    ended = make_token(acme)
    revoke(staff, ended)
    act(staff, "pause", chosen[0], reason="An earlier pause")
    page = act(staff, "pause", *chosen, ended, confirmed="")
    assert "Pause API tokens" in page
    assert ServiceAccountToken.objects.filter(paused_at__isnull=False).count() == 1
    assert "Paused: 2." in act(staff, "pause", *chosen, ended, reason="Asked for by telephone")
    assert {one.status(timezone.now()) for one in rows_of(*chosen)} == {Status.PAUSED}
    reasons = {one.paused_reason for one in rows_of(*chosen)}
    assert reasons == {"An earlier pause", "Asked for by telephone"}
    assert "Resume…" in staff.get(page_of(chosen[0])).content.decode()
    assert "Resumed: 3." in act(staff, "resume", *chosen, ended, reason="Asked again")
    assert {one.status(timezone.now()) for one in rows_of(*chosen)} == {Status.ACTIVE}
    logged = LogEntry.objects.filter(object_id=str(chosen[2].token.pk)).order_by("pk")
    assert [one.change_message for one in logged] == [
        "Paused: Asked for by telephone",
        "Resumed: Asked again",
    ]
    [event] = AuditEvent.objects.filter(action="token.resumed", target_id=chosen[2].token.public_id)
    assert (event.actor_type, event.changes) == ("staff", {"reason": "Asked again"})


def rows_of(*issued: Issued) -> list[ServiceAccountToken]:
    return list(ServiceAccountToken.objects.filter(pk__in=[one.token.pk for one in issued]))


def test_staff_who_may_only_look_change_nothing(acme: Membership) -> None:
    issued = make_token(acme)
    browser = make_staff("tokens.view_serviceaccounttoken")
    assert browser.get(page_of(issued)).status_code == 200
    before = ServiceAccountToken.objects.values().get()
    for action in ("pause", "resume", "revoke"):
        act(browser, action, issued)
    assert ServiceAccountToken.objects.values().get() == before


def test_no_page_shows_a_digest_or_a_secret(staff: Client, acme: Membership) -> None:
    issued = make_token(acme, idempotency_key="a-key")
    revoke(staff, issued, confirmed="")
    digest = opaque.digest(issued.plaintext)
    organization = reverse("admin:accounts_organization_change", args=[acme.organization_id])
    delete = reverse("admin:accounts_organization_delete", args=[acme.organization_id])
    for page in (LIST, page_of(issued), page_of(issued, "history"), organization, delete, "/admin/"):
        html = staff.get(page).content.decode()
        assert issued.plaintext not in html
        assert digest.hex() not in html
        assert str(digest) not in html
        assert opaque.digest("a-key").hex() not in html
    assert not admin.site.is_registered(TokenSecret)


@pytest.mark.parametrize(
    "lookup", ["idempotency_digest__startswith", "secrets__digest", "secrets__digest__gt"]
)
def test_a_filter_in_the_address_does_not_ask_about_a_digest(staff: Client, lookup: str) -> None:
    assert staff.get(LIST, {lookup: "a"}).status_code == 400


def test_a_forged_post_changes_nothing(staff: Client, acme: Membership) -> None:
    issued = make_token(acme)
    other = make_organization().pk
    rows = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(issued.token.pk),
        "form-0-name": "x",
        "form-0-organization": str(other),
        "secrets-TOTAL_FORMS": "1",
        "secrets-INITIAL_FORMS": "0",
        "secrets-0-digest": "x",
    }
    fields = {"name": "x", "organization": str(other), "permissions": '["*:*:*"]', "expires_at": ""}
    before = list(ServiceAccountToken.objects.values()), list(TokenSecret.objects.values())
    assert staff.post(reverse("admin:tokens_serviceaccounttoken_add"), fields | rows).status_code == 403
    assert staff.post(page_of(issued), fields | rows).status_code == 403
    assert staff.post(page_of(issued, "delete"), {"post": "yes"}).status_code == 403
    assert staff.post(LIST, rows | {"_save": "Save"}).status_code == 403
    staff.post(LIST, {"action": "delete_selected", "_selected_action": issued.token.pk, "post": "yes"})
    assert (list(ServiceAccountToken.objects.values()), list(TokenSecret.objects.values())) == before


def test_rows_forged_into_an_organizations_form_change_nothing(staff: Client, acme: Membership) -> None:
    issued = make_token(acme)
    victim = make_member()
    form = {"plan": acme.organization.plan_id, "never_expiring_allowed": "on"}
    for table, pk in (("tokens", issued.token.pk), ("memberships", acme.pk)):
        form |= {
            f"{table}-TOTAL_FORMS": "2",
            f"{table}-INITIAL_FORMS": "1",
            f"{table}-0-id": str(pk),
            f"{table}-0-organization": str(victim.organization_id),
            f"{table}-0-role": "viewer",
            f"{table}-0-name": "x",
            f"{table}-0-DELETE": "on",
            f"{table}-1-organization": str(acme.organization_id),
            f"{table}-1-user": str(victim.user_id),
            f"{table}-1-role": "owner",
            f"{table}-1-name": "made",
            f"{table}-1-permissions": '["*:*:*"]',
        }
    before = list(Membership.objects.values()), list(ServiceAccountToken.objects.values())
    page = reverse("admin:accounts_organization_change", args=[acme.organization_id])
    assert staff.post(page, form).status_code == 302
    assert (list(Membership.objects.values()), list(ServiceAccountToken.objects.values())) == before


def test_the_list_costs_the_same_for_one_token_and_for_twenty(staff: Client, acme: Membership) -> None:
    make_token(acme)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            staff.get(LIST)
        counts.append(len(statements))
        for _ in range(20):
            make_token(acme)
    assert counts[0] == counts[1]
