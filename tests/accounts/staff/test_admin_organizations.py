"""Organizations in the admin: terms, suspension and deletion, each under the lock and in the log."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization
from tests.support.clients import program
from tests.support.people import make_member, make_organization, make_plan, make_staff, make_token
from tests.support.team import changes, make_invited, trail
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.models import ServiceAccountToken
from tokens.service_accounts.issue import Issued

LIST = reverse("admin:accounts_organization_changelist")


def page_of(organization: Organization) -> str:
    return reverse("admin:accounts_organization_change", args=[organization.pk])


REASON = "Unpaid since March"


def act(browser: Client, action: str, *organizations: Organization, **more: str) -> str:
    form = {"action": action, "_selected_action": [one.pk for one in organizations]}
    form |= {"confirmed": "yes", "reason": REASON} | more
    return browser.post(LIST, form, follow=True).content.decode()


def terms(organization: Organization, **changed: object) -> dict[str, object]:
    return {"plan": organization.plan_id, "requests_per_day": "", "never_expiring_allowed": "on"} | changed


def test_the_list_counts_members_and_active_tokens(staff: Client, owner: Membership) -> None:
    make_member(owner.organization, "viewer")
    for _ in range(3):
        make_token(owner)
    ServiceAccountToken.objects.filter(pk=make_token(owner).token.pk).update(responsible=None)
    row = staff.get(LIST).context["cl"].result_list[0]
    assert (row.member_count, row.token_count) == (2, 3)


def test_staff_change_plan_own_number_and_policy(staff: Client, owner: Membership) -> None:
    plan = make_plan("solopreneur", 1_000)
    form = {"plan": plan.pk, "requests_per_day": "2500"}
    assert staff.post(page_of(owner.organization), form).status_code == 302
    organization = Organization.objects.get()
    assert (organization.plan, organization.effective_requests_per_day) == (plan, 2_500)
    assert not organization.never_expiring_allowed
    assert organization.generation == 1
    entry = LogEntry.objects.get()
    assert entry.user.email == "staff@example.com"
    assert f"Plan: {make_plan()} → {plan}" in entry.change_message
    assert "Requests per day: none → 2500" in entry.change_message


def test_staff_change_the_allowed_addresses_line_by_line(staff: Client, owner: Membership) -> None:
    url = page_of(owner.organization)
    wrong = staff.post(url, terms(owner.organization, allowed_addresses="203.0.113.7/24"))
    assert "“203.0.113.7/24” is an address inside a network." in wrong.content.decode()
    staff.post(url, terms(owner.organization, allowed_addresses="203.0.113.0/24\r\n2001:db8::/48"))
    organization = Organization.objects.get()
    assert organization.allowed_addresses == ["203.0.113.0/24", "2001:db8::/48"]
    assert organization.generation == 1
    assert changes(organization, "organization.changed") == [
        {"allowed_addresses": [[], ["203.0.113.0/24", "2001:db8::/48"]]}
    ]
    assert LogEntry.objects.get().change_message == "Allowed addresses: none → 203.0.113.0/24, 2001:db8::/48"
    page = staff.get(url).content.decode()
    assert "203.0.113.0/24\n2001:db8::/48</textarea>" in page
    assert "programs call from 203.0.113.0/24, 2001:db8::/48 only" in page


def test_nothing_else_of_an_organization_is_changed(staff: Client, owner: Membership) -> None:
    Organization.objects.update(metadata={"tier": "gold"})
    assert "{&quot;tier&quot;: &quot;gold&quot;}" in staff.get(page_of(owner.organization)).content.decode()
    before = Organization.objects.values().get()
    forged = {"name": "Mine", "slug": "mine", "suspended_at": "2020-01-01", "metadata": "{}"}
    forged |= {"generation": "9", "publishable_key": "x"}
    staff.post(page_of(owner.organization), terms(owner.organization, **forged))
    assert Organization.objects.values().get() == before


def test_suspending_stops_the_tokens_and_resuming_lets_them_work_again(
    staff: Client, owner: Membership, issued: Issued
) -> None:
    act(staff, "suspend", owner.organization)
    assert not isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)
    act(staff, "suspend", owner.organization)
    act(staff, "resume", owner.organization)
    assert isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)
    results = LogEntry.objects.order_by("pk").values_list("change_message", "object_id")
    pk = str(owner.organization_id)
    assert list(results) == [(f"Suspended: {REASON}", pk), ("Resumed.", pk)]


def test_suspension_asks_for_a_reason_and_confirmation_and_records_the_reason(
    staff: Client, owner: Membership
) -> None:
    assert "Suspend organizations" in act(staff, "suspend", owner.organization, confirmed="")
    assert "Give a reason." in act(staff, "suspend", owner.organization, reason=" ")
    assert Organization.objects.get().suspended_at is None
    act(staff, "suspend", owner.organization)
    assert changes(owner.organization, "organization.suspended") == [{"reason": REASON}]
    assert "Resume organizations" in act(staff, "resume", owner.organization, confirmed="")
    assert Organization.objects.get().suspended_at is not None


def test_suspension_and_deletion_show_the_programs_and_their_calls_first(
    staff: Client, owner: Membership, issued: Issued
) -> None:
    make_token(owner)
    for _ in range(3):
        program(issued).get("/api/auth/whoami")
    for action in ("suspend", "delete_selected"):
        form = {"action": action, "_selected_action": owner.organization_id}
        asked = staff.post(LIST, form).content.decode()
        assert "2 active programs. 3 calls in 24 hours, 3 in 7 days, last 20" in asked
        assert " UTC from 127.0.0.1" in asked


def test_an_action_that_began_on_the_page_ends_there(staff: Client, owner: Membership) -> None:
    page = page_of(owner.organization)
    assert "Suspend…" in staff.get(page).content.decode()
    asked = act(staff, "suspend", owner.organization, confirmed="", back="yes")
    assert f'href="{page}"' in asked
    form = {"action": "suspend", "_selected_action": owner.organization_id, "confirmed": "yes"}
    response = staff.post(LIST, form | {"reason": REASON, "back": "yes"})
    assert response["Location"] == page
    assert "Resume…" in staff.get(page).content.decode()


def test_states_are_filtered_in_words(staff: Client, db: None) -> None:
    running, suspended, deleted = (make_organization(name) for name in ("One", "Two", "Three"))
    Organization.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now())
    Organization.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    html = staff.get(LIST).content.decode()
    for word, organization in (("Active", running), ("Suspended", suspended), ("Deleted", deleted)):
        assert f">{word}</a>" in html
        rows = staff.get(LIST, {"status": word.lower()}).context["cl"].result_list
        assert rows == [organization]


def test_the_page_shows_use_people_credentials_events_and_links(
    staff: Client, owner: Membership, issued: Issued
) -> None:
    make_invited(owner)
    Organization.objects.update(mfa_required=True)
    html = staff.get(page_of(owner.organization)).content.decode()
    for text in ("Requests today", "0 of 100", "Last call", "1 active of 1", "second factor required"):
        assert text in html
    for model in ("accounts_membership", "accounts_invitation", "tokens_serviceaccounttoken"):
        assert reverse(f"admin:{model}_changelist") + f"?organization={owner.organization.public_id}" in html
    assert "Created an API token" in html


def test_the_plan_is_chosen_and_not_edited_here(staff: Client, owner: Membership) -> None:
    html = staff.get(page_of(owner.organization)).content.decode()
    assert "related-widget-wrapper-link" not in html


def test_each_organization_of_a_bulk_action_is_in_the_log(staff: Client, db: None) -> None:
    organizations = [make_organization() for _ in range(3)]
    act(staff, "suspend", *organizations)
    assert Organization.objects.filter(suspended_at=None).count() == 0
    assert LogEntry.objects.count() == 3


def test_staff_who_may_only_look_suspend_nothing(owner: Membership) -> None:
    act(make_staff("accounts.view_organization"), "suspend", owner.organization)
    assert Organization.objects.get().suspended_at is None


def test_deleting_marks_the_organization_and_stops_its_tokens(
    staff: Client, owner: Membership, issued: Issued
) -> None:
    page = reverse("admin:accounts_organization_delete", args=[owner.organization_id])
    assert "Yes, I’m sure" in staff.get(page).content.decode()
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert Organization.objects.get().deleted_at is not None
    assert not isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)
    assert LogEntry.objects.get().is_deletion()
    assert [entry[1] for entry in trail(owner.organization)][-1] == "staff"
    assert trail(owner.organization)[-1][0] == "organization.deleted"


def test_a_deleted_one_is_looked_at_and_restored_and_nothing_else(staff: Client, owner: Membership) -> None:
    act(staff, "restore", owner.organization)
    assert not LogEntry.objects.exists()
    Organization.objects.update(deleted_at=timezone.now())
    assert staff.post(page_of(owner.organization), terms(owner.organization)).status_code == 403
    act(staff, "suspend", owner.organization)
    assert Organization.objects.get().suspended_at is None
    act(staff, "restore", owner.organization)
    assert Organization.objects.get().deleted_at is None
    assert LogEntry.objects.get().change_message == "Restored."
    assert trail(owner.organization)[-1][:2] == ("organization.restored", "staff")


def test_only_who_may_delete_may_restore(owner: Membership) -> None:
    Organization.objects.update(deleted_at=timezone.now())
    act(
        make_staff("accounts.view_organization", "accounts.change_organization"),
        "restore",
        owner.organization,
    )
    assert Organization.objects.get().deleted_at is not None


def test_several_are_deleted_at_once(staff: Client, db: None) -> None:
    chosen = [make_token(make_member()).token.organization for _ in range(3)]
    form = {"action": "delete_selected", "_selected_action": [one.pk for one in chosen], "post": "yes"}
    assert staff.post(LIST, form).status_code == 302
    assert not Organization.objects.not_deleted().exists()
    assert not ServiceAccountToken.objects.filter(revoked_at=None).exists()


def test_what_people_wrote_is_text_and_never_an_address_to_click(staff: Client, db: None) -> None:
    organization = make_organization("https://evil.example/<b>")
    make_token(make_member(organization), "https://evil.example/token")
    for page in (LIST, page_of(organization), reverse("admin:tokens_serviceaccounttoken_changelist")):
        html = staff.get(page).content.decode()
        assert "https://evil.example/" in html
        assert 'href="https://evil.example' not in html
        assert "<b>" not in html
