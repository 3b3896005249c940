"""Settings → Usage: the figures of GET /api/v1/usage as a drawing, as tables and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import typeid
from accounts.models import Membership
from accounts.permissions.roles import Role
from ratelimit.models import DailyUsage
from ratelimit.usage.sync import Sync
from tests.support.clients import program
from tests.support.people import actor, browser_of, make_member, make_plan, make_token
from tests.support.sessions import session_of
from tests.tokens.oauth.calls import make_program
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.revoke import revoke

URL = "/settings/usage/"
CSV = "/settings/usage/export.csv"
HOSTILE = "</title><script>alert(1)</script>\"'&"


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def used(member: Membership, subject: Any, back: int, calls: int, refused: int = 0) -> None:
    DailyUsage.objects.create(
        bucket=member.organization_id,
        subject=subject,
        day=today() - timedelta(days=back),
        calls=calls,
        refused=refused,
    )


def page(member: Membership, address: str = URL) -> str:
    response = browser_of(member.user).get(address)
    assert response.status_code == 200
    return response.content.decode()


def table(html: str, name: str) -> list[list[str]]:
    """The texts of a table's body, row by row, without the drawings in it."""
    (found,) = re.findall(rf'<table[^>]*aria-labelledby="{name}".*?</table>', html, re.DOTALL)
    body = re.search(r"<tbody>(.*)</tbody>", found, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


def lines(member: Membership, address: str = CSV) -> list[dict[str, str]]:
    response = browser_of(member.user).get(address)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_strangers_are_led_to_the_sign_in_page(client: Client, db: None) -> None:
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_look(owner: Membership, role: str) -> None:
    assert "<h1>Usage</h1>" in page(make_member(owner.organization, role))


def test_where_the_catalogue_gives_a_role_no_usage_it_sees_none(
    owner: Membership, settings: Any, tmp_path: Any
) -> None:
    file = tmp_path / "permissions.toml"
    file.write_text(
        '[[resource]]\nname = "usage"\nlabel = "Usage"\n'
        'permissions = [{ name = "usage.view", description = "See usage", roles = ["admin"] }]\n'
    )
    settings.PERMISSIONS_FILE = str(file)
    viewer = browser_of(make_member(owner.organization, Role.VIEWER).user)
    assert [viewer.get(address).status_code for address in (URL, CSV)] == [403, 403]
    assert 'href="/settings/usage/"' not in viewer.get("/settings/security/").content.decode()


def test_the_navigation_names_it(owner: Membership) -> None:
    assert 'href="/settings/usage/" aria-current="page"' in page(owner)


@pytest.mark.parametrize("drained", [False, True])
def test_page_and_file_say_what_the_api_says_at_once(
    api: Any, issued: Issued, owner: Membership, drained: bool
) -> None:
    busy, client = make_token(owner, "Busy"), make_program(owner, name="Importer")
    used(owner, busy.token.pk, 0, 40, refused=3)
    used(owner, busy.token.pk, 5, 1_200)
    program(client.grant()["access_token"]).get("/api/auth/whoami")
    session_of(owner).get("/api/auth/whoami")
    for _ in range(3):
        body = api.get("/api/v1/usage").json()
    if drained:
        Sync()()
    html = page(owner)

    by_day = {row[0]: row[1:] for row in table(html, "by-period")}
    assert len(body["days"]) == 30
    with_calls = [day for day in body["days"] if day["calls"] or day["refused"]]
    assert sum(bool(cells) for cells in by_day.values()) == len(with_calls) == 2
    for day in with_calls:
        results = date.fromisoformat(day["date"]).strftime("%a %-d %b %Y")
        assert by_day[results] == [f"{day['calls']:,}", str(day["refused"])]
    by_caller = {row[0]: row[1:] for row in table(html, "by-caller")}
    for token in body["tokens"]:
        assert by_caller[f"{token['name']} API token"] == [f"{token['calls']:,}", str(token["refused"])]
    assert by_caller["Importer OAuth client"] == ["1", "0"]
    assert by_caller["People’s sessions not charged to the plan"] == ["1", "0"]
    assert (body["calls"], body["refused"]) == (1_245, 3)
    assert f"<dd>{body['calls']:,}" in html
    assert "1 by people, not charged" in html

    rows = lines(owner)
    assert sum(int(row["calls"]) for row in rows) == body["calls"]
    assert {row["id"]: row["calls"] for row in rows if row["date"] == str(today())} == {
        issued.token.public_id: "3",
        busy.token.public_id: "40",
        client.id: "1",
        "": "1",
    }


def test_today_says_what_the_headers_say(api: Any, owner: Membership) -> None:
    left = api.get("/api/auth/whoami")["X-RateLimit-Remaining"]
    assert f'<dd>{100 - int(left)} <span class="aside">of 100</span>' in page(owner)


@pytest.mark.parametrize(
    ("query", "days"), [("", 30), ("?days=7", 7), ("?days=90", 90), ("?days=8", 30), ("?days=%00", 400)]
)
def test_the_range_stands_in_the_address(owner: Membership, query: str, days: int) -> None:
    if days == 400:
        assert browser_of(owner.user).get(URL + query).status_code == 400
        return
    for back in (6, 7, 29, 30, 89, 90):
        used(owner, typeid.new(), back, 1)
    html = page(owner, URL + query)
    assert f'href="?by=day&amp;days={days}" aria-current="page"' in html
    assert f'href="{CSV}?by=day&amp;days={days}"' in html
    inside = sum(back < days for back in (6, 7, 29, 30, 89, 90))
    assert f"<dt>Calls in {days} days</dt><dd>{inside}" in html
    assert len(lines(owner, CSV + query)) == inside


def test_who_has_no_calls_is_told_so(owner: Membership) -> None:
    html = page(owner)
    assert "No calls in 30 days" in html
    assert "<table" not in html
    assert "of 100" in html
    assert lines(owner) == []


def test_a_revoked_token_and_a_deleted_client_keep_their_calls(owner: Membership) -> None:
    issued = make_token(owner, "Old")
    used(owner, issued.token.pk, 1, 5)
    revoke(token=issued.token, actor=actor(owner))
    assert ["Old API token, revoked", "5", "0"] in table(page(owner), "by-caller")


def test_anothers_usage_is_not_here(owner: Membership) -> None:
    other = make_member()
    used(other, make_token(other, "Theirs").token.pk, 0, 77)
    used(owner, make_token(owner, "Ours").token.pk, 0, 5)
    html = page(owner)
    assert "Theirs" not in html
    assert table(html, "by-caller") == [["Ours API token", "5", "0"]]
    assert [(row["name"], row["calls"]) for row in lines(owner)] == [("Ours", "5")]


def test_a_hostile_name_stays_a_name(owner: Membership) -> None:
    used(owner, make_token(owner, HOSTILE).token.pk, 0, 5)
    html = page(owner)
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)" in html
    assert [row["name"] for row in lines(owner)] == [HOSTILE]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
def test_a_name_is_no_formula_in_the_file(owner: Membership, sign: str) -> None:
    name = f'{sign}HYPERLINK("https://evil.example";"a"),b;{sign}1'
    used(owner, make_token(owner, name).token.pk, 0, 5)
    text = browser_of(owner.user).get(CSV).content.decode()
    assert lines(owner)[0]["name"] == f"'{name}"
    assert f'"\'{sign}HYPERLINK(""https' in text


def test_the_file_is_named_after_organization_and_range(owner: Membership) -> None:
    response = browser_of(owner.user).get(f"{CSV}?days=7")
    first = today() - timedelta(days=6)
    name = f"usage-{owner.organization.slug}-by-day-{first}-{today()}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"] == "no-store"


def test_the_drawing_is_sound_has_a_text_and_no_script(owner: Membership) -> None:
    used(owner, make_token(owner, HOSTILE).token.pk, 0, 12, refused=2)
    html = page(owner)
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    for drawing in drawings:
        ElementTree.fromstring(drawing)  # noqa: S314
        assert "style=" not in drawing
        assert "script" not in drawing
    (results,) = re.findall(r'<desc id="chart-says">(.*?)</desc>', html, re.DOTALL)
    assert "12 calls, at most 12 (" in results
    assert "2 refused" in results
    assert "The plan’s limit is 100 a day" in results


def test_the_page_costs_the_same_for_one_day_and_for_ninety(
    owner: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = browser_of(owner.user)
    browser.get(URL)
    make_program(owner)
    for number in range(8):
        subject = make_token(owner, f"token {number}").token.pk
        for back in range(0, 90, 10):
            used(owner, subject, back, 5, refused=1)
    # 1-4: the session, the person twice, the membership; 5: usage by day; 6: tokens; 7: clients;
    # 8: what of today is reserved; 9: the present hours, for the forecast; 10-12: refusals, refused uses by
    # cause, and statistics; 13-14: the banners about the plan and about tokens that expire
    with django_assert_num_queries(14):
        browser.get(f"{URL}?days=90")


def test_an_unlimited_plan_has_no_line(owner: Membership) -> None:
    used(owner, make_token(owner).token.pk, 0, 12)
    owner.organization.plan = make_plan("enterprise", None)
    owner.organization.save()
    html = page(owner)
    assert "unlimited plan" in html
    assert 'class="limit"' not in html
