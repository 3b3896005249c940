"""The audit log in the admin: looked at and nothing else."""

from __future__ import annotations

from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Membership
from accounts.resources import indexes
from tests.support.people import make_member, make_token

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


def test_an_event_leads_to_its_actor_and_its_target(staff: Client, owner: Membership) -> None:
    token = make_token(owner).token
    event = AuditEvent.objects.get(target_id=token.public_id)
    html = staff.get(f"{LIST}{event.pk}/change/").content.decode()
    for page in (f"tokens/serviceaccounttoken/{token.pk}", f"accounts/user/{owner.user_id}"):
        assert f'href="/admin/{page}/change/"' in html
    assert f"?target={token.public_id}" in html
    rows = staff.get(LIST, {"target": token.public_id}).context["cl"].result_list
    assert rows == [event]
