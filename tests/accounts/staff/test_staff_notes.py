"""Notes of staff about an organization, which only staff see."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Membership, StaffNote
from tests.support.people import browser_of, make_staff, make_user

pytestmark = pytest.mark.django_db
LIST = reverse("admin:accounts_organization_changelist")
NEEDED = ("accounts.view_organization", "accounts.add_staffnote")
TEXT = "Asked for a higher limit.\n<b>Call back</b> in June."


def page_of(member: Membership) -> str:
    return reverse("admin:accounts_organization_change", args=[member.organization_id])


def add(browser: Client, member: Membership, text: str) -> str:
    form = {"action": "add_note", "_selected_action": member.organization_id, "back": "yes", "note": text}
    response = browser.post(LIST, form, follow=True)
    assert response.redirect_chain == [(page_of(member), 302)]
    return response.content.decode()


def test_a_note_is_shown_on_the_page_with_its_author(owner: Membership) -> None:
    browser = make_staff(*NEEDED)
    html = add(browser, owner, TEXT)
    assert "Asked for a higher limit.\n&lt;b&gt;Call back&lt;/b&gt; in June." in html
    note = StaffNote.objects.get()
    assert note.author is not None
    assert note.author.display_name in html
    assert LogEntry.objects.get().change_message == "Added a note."


def test_the_latest_notes_come_first_and_five_are_shown(staff: Client, owner: Membership) -> None:
    for number in range(6):
        StaffNote.objects.create(organization=owner.organization, text=f"Note {number}")
    notes = staff.get(page_of(owner)).context["panel"].notes
    assert [note.text for note in notes] == ["Note 5", "Note 4", "Note 3", "Note 2", "Note 1"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 2_001])
def test_a_note_has_a_text_of_at_most_two_thousand_characters(text: str, owner: Membership) -> None:
    assert "Write a note of at most 2,000 characters" in add(make_staff(*NEEDED), owner, text)
    assert not StaffNote.objects.exists()


def test_staff_without_the_permission_read_notes_and_add_none(owner: Membership) -> None:
    StaffNote.objects.create(organization=owner.organization, author=make_user(), text=TEXT)
    browser = make_staff("accounts.view_organization")
    html = browser.get(page_of(owner)).content.decode()
    assert "Asked for a higher limit." in html
    assert "Add note" not in html
    browser.post(LIST, {"action": "add_note", "_selected_action": owner.organization_id, "note": "Mine"})
    assert StaffNote.objects.count() == 1


def test_an_organization_sees_no_note(owner: Membership) -> None:
    add(make_staff(*NEEDED), owner, TEXT)
    browser = browser_of(owner.user)
    for page in ("organization", "audit-log", "members"):
        assert "higher limit" not in browser.get(f"/settings/{page}/").content.decode()
    assert not AuditEvent.objects.filter(organization=owner.organization).exists()
