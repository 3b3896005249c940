"""The audit log in the admin: looked at and nothing else."""

from __future__ import annotations

from django.test import Client

from accounts import indexes
from accounts.audit_models import AuditEvent
from accounts.models import Membership
from tests.people import make_member

LIST = "/admin/accounts/auditevent/"


def test_staff_find_events_by_organization_and_change_nothing(staff: Client, owner: Membership) -> None:
    other = make_member().organization
    indexes.create(organization_id=owner.organization_id, name="Shop of one")
    indexes.create(organization_id=other.pk, name="Shop of another")
    event = AuditEvent.objects.filter(organization=owner.organization).latest("at")
    page = staff.get(LIST, {"organization": owner.organization.public_id})

    assert b"Shop of one" in page.content
    assert b"Shop of another" not in page.content
    assert event.hash.hex().encode() in staff.get(f"{LIST}{event.pk}/change/").content
    for path in (f"{LIST}add/", f"{LIST}{event.pk}/delete/"):
        assert staff.get(path).status_code == 403
    for path in (f"{LIST}add/", f"{LIST}{event.pk}/delete/", f"{LIST}{event.pk}/change/"):
        assert staff.post(path, {"action": "forged", "post": "yes"}).status_code == 403
    staff.post(LIST, {"action": "delete_selected", "_selected_action": str(event.pk), "post": "yes"})
    assert AuditEvent.objects.filter(pk=event.pk, action="index.created").exists()
