"""The admin's home shows which known secrets are refused most often today."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from ratelimit.usage import refused_uses
from ratelimit.usage.sync import Sync
from tests.support.people import make_member, make_token
from tests.tokens.oauth.calls import make_program

pytestmark = pytest.mark.django_db
LIST = reverse("admin:tokens_serviceaccounttoken_changelist")


def refuse(member: Membership, subject: object, times: int, days_ago: int = 0) -> None:
    at = (timezone.now() - timedelta(days=days_ago)).timestamp()
    for _ in range(times):
        refused_uses.count(member.organization_id, subject, "203.0.113.7", now=at)


def test_tokens_and_clients_are_shown_by_the_refused_uses_of_today(staff: Client, owner: Membership) -> None:
    other = make_member()
    busy, quiet = make_token(owner, "busy").token, make_token(other, "quiet").token
    yesterday, unrefused = make_token(owner, "yesterday").token, make_token(owner, "unrefused").token
    client = make_program(other, name="Partner app")
    refuse(owner, busy.pk, 5)
    refuse(other, client.row.pk, 3)
    refuse(other, quiet.pk, 1)
    refuse(owner, yesterday.pk, 9, days_ago=1)
    Sync()()
    [found] = [
        one for one in staff.get("/admin/").context["panels"] if one.panel.title == "Refused credentials"
    ]
    assert [(line.name, line.figure, line.detail) for line in found.lines] == [
        ("busy", "5", owner.organization.name),
        ("Partner app", "3", other.organization.name),
        ("quiet", "1", other.organization.name),
    ]
    assert {token.name for token in staff.get(found.url).context["cl"].result_list} == {"busy", "quiet"}
    assert unrefused.name not in {line.name for line in found.lines}
