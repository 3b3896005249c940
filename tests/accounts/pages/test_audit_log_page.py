"""Settings, Audit log: who may see it, what it shows, and its downloads."""

from __future__ import annotations

import csv
import json
import re
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from accounts.audit import heads, log
from accounts.audit.export import escape_formula
from accounts.audit.models import GENESIS, AuditEvent
from accounts.authentication import user_events
from accounts.models import Membership
from accounts.organizations.update import change
from accounts.pages import audit_log
from accounts.permissions.roles import Role
from accounts.resources import indexes
from tests.support.people import actor, browser_of, make_member, make_token

PATH = "/settings/audit-log/"


@pytest.fixture
def browser(owner: Membership) -> Client:
    indexes.create(organization_id=owner.organization_id, name="=1+1", actor=actor(owner))
    change(actor=actor(owner), name="Kettles & Co")
    return browser_of(owner.user)


def body(browser: Client, path: str) -> str:
    response: Any = browser.get(path)
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_an_event_is_readable_with_before_and_after(browser: Client, owner: Membership) -> None:
    text = browser.get(PATH).content.decode()

    assert "Changed the organization" in text
    assert "Kettles &amp; Co" in text
    assert "before: </span>Organization" in text
    assert owner.user.display_name in text
    assert " UTC</time>" in text


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.MEMBER, 403), (Role.VIEWER, 403)]
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}export.csv", f"{PATH}export.json"])
def test_owners_and_admins_may_see_it(owner: Membership, role: Role, status: int, path: str) -> None:
    response = browser_of(make_member(owner.organization, role).user).get(path)

    assert response.status_code == status
    if status == 403:
        assert b"Your role does not allow this" in response.content


def test_only_those_who_may_find_it_in_the_navigation(owner: Membership) -> None:
    viewer = browser_of(make_member(owner.organization, Role.VIEWER).user)

    assert PATH.encode() in browser_of(owner.user).get("/settings/tokens/").content
    assert PATH.encode() not in viewer.get("/settings/tokens/").content


def test_the_filters_stand_in_the_address_and_go_into_the_exports(browser: Client) -> None:
    text = browser.get(PATH, {"action": "index.created"}).content.decode()

    assert 'value="index.created" selected' in text
    assert "Kettles &amp; Co</ins>" not in text
    assert "export.csv?action=index.created" in text
    rows = list(csv.DictReader(StringIO(body(browser, f"{PATH}export.csv?action=index.created"))))
    assert [row["action"] for row in rows] == ["index.created", ""]


def test_a_kind_is_one_click_away_and_goes_into_the_exports(browser: Client, owner: Membership) -> None:
    make_token(owner, "Deployments")
    html = browser.get(PATH, {"target": "tok"}).content.decode()
    assert f'href="{PATH}?target=tok&amp;kind=tokens"' in html

    html = browser.get(PATH, {"kind": "organization"}).content.decode()
    assert "Created an index" in html
    assert "Created an API token</strong>" not in html
    rows = list(csv.DictReader(StringIO(body(browser, f"{PATH}export.csv?kind=tokens"))))
    assert [row["action"] for row in rows] == ["token.created", ""]
    assert browser.get(PATH, {"kind": "shoes"}).status_code == 400


def sign_in_often(member: Membership, times: int) -> None:
    for _ in range(times):
        user_events.record("user.signed_in", member.user)


def test_sign_ins_of_one_person_are_one_row_that_opens(browser: Client, owner: Membership) -> None:
    sign_in_often(owner, 3)
    user_events.record("user.sign_in_failed", owner.user, user_events.ANONYMOUS)
    html = browser.get(PATH).content.decode()
    assert "4 sign-in events" in html
    assert "1 failed" in html
    assert html.count("<strong>Signed in</strong>") == 3
    assert "sign-in events" not in browser.get(PATH, {"kind": "sign-ins"}).content.decode()
    assert "sign-in events" not in browser.get(PATH, {"action": "user.signed_in"}).content.decode()


def test_pages_of_older_events_show_every_event_once(
    browser: Client, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_ROWS", 2)
    monkeypatch.setattr(audit_log, "MOST_EVENTS", 3)
    sign_in_often(owner, 4)
    make_token(owner)
    seen, address = [], "?"
    while True:
        html = browser.get(PATH + address).content.decode()
        seen += [int(number) for number in re.findall(r'id="event-(\d+)"', html)]
        if (link := re.search(rf'rel="next" href="{PATH}([^"]+)"', html)) is None:
            break
        address = link[1]
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence", flat=True)[0]
    assert seen == list(range(last, 0, -1))
    assert browser.get(PATH, {"before": "soon"}).status_code == 200


def test_a_filter_that_means_nothing_is_told(browser: Client) -> None:
    response = browser.get(PATH, {"from": "soon"})

    assert response.status_code == 400
    assert b"The filters were left out" in response.content
    assert browser.get(f"{PATH}export.csv", {"from": "soon"}).status_code == 400


def test_the_exports_carry_a_chain_that_can_be_checked(browser: Client, owner: Membership) -> None:
    *rows, end = csv.DictReader(StringIO(body(browser, f"{PATH}export.csv")))
    found = json.loads(body(browser, f"{PATH}export.json"))

    assert found["organization"]["id"] == owner.organization.public_id
    assert [one["hash"] for one in found["events"]] == [row["hash"] for row in rows]
    previous = GENESIS.hex()
    for row, event in zip(rows, AuditEvent.objects.order_by("sequence"), strict=True):
        assert row["prev_hash"] == previous
        assert row["hash"] == event.computed_hash().hex()
        assert len(row["hash"]) == len(sha256().hexdigest())
        previous = row["hash"]
    assert log.first_broken(owner.organization_id) is None
    assert (end["sequence"], end["hash"]) == ("head", rows[-1]["hash"])
    for text in (end["changes"], found["head"]):
        (head,) = heads.found_in(text)
        assert head is not None
        assert head.is_signed_by(heads.public_key())
        assert (head.organization_id, head.sequence) == (owner.organization_id, len(rows))


def test_no_cell_of_the_csv_is_a_formula(browser: Client) -> None:
    rows = list(csv.reader(StringIO(body(browser, f"{PATH}export.csv"))))

    assert any("'=1+1" in row for row in rows)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [escape_formula(text) for text in ("@SUM(A1)", "-2", "+1", "\t=1", "plain", "")] == [
        *("'@SUM(A1)", "'-2", "'+1", "'\t=1", "plain", ""),
    ]


def test_what_people_have_written_is_shown_as_text(owner: Membership) -> None:
    indexes.create(organization_id=owner.organization_id, name="<script>alert(1)</script>")

    assert b"<script>alert" not in browser_of(owner.user).get(PATH).content
