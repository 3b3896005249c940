"""The admin's lists cost the same for 3 rows and for 300, and a list of many rows is counted by estimate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Membership, Organization, User
from accounts.staff import pagination
from accounts.staff.lists import ListPage
from tests.bench.admin_fill import fill
from tests.support.people import make_member, make_token
from tokens.models import ServiceAccountToken

LIST = reverse("admin:tokens_serviceaccounttoken_changelist")
SEARCHES = ("?q=umbrella", "?q=person1@", "?q=aaaa", "?q=nothing+at+all")


def pages() -> Iterator[tuple[str, str]]:
    """Name and address of the home, of each list with a search of each kind, and of a row of each table."""
    yield "home", reverse("admin:index")
    for search in SEARCHES:
        yield search, reverse("staff-search") + search
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"{name}_changelist")
        yield address, address
        if isinstance(page, ListPage):
            yield from ((address + search, address + search) for search in SEARCHES)
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield f"{address} row", reverse(f"{name}_change", args=[row.pk])


def counts(staff: Client, rows: int) -> dict[str, int]:
    """Queries of each page, in a database of so many rows a table, all of one organization."""
    sizes = dict.fromkeys(("organizations", "members", "tokens", "events"), rows)
    found: dict[str, int] = {}
    with transaction.atomic():
        fill(sizes | {"large_members": rows, "large_tokens": rows})
        for name, address in pages():
            staff.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(address).status_code == 200, address
            found[name] = len(queries)
        transaction.set_rollback(True)
    return found


def test_each_page_costs_the_same_for_3_rows_and_for_300(staff: Client) -> None:
    few, many = counts(staff, 3), counts(staff, 300)
    assert many == few
    assert len(few) > 40


@pytest.fixture
def capped(monkeypatch: pytest.MonkeyPatch, owner: Membership) -> Membership:
    """Lists end after ten rows; the owner has thirty tokens."""
    monkeypatch.setattr(pagination, "MOST_ROWS", 10)
    for _ in range(30):
        make_token(owner)
    return owner


def test_pages_end_where_the_cap_is_and_the_total_is_estimated(staff: Client, capped: Membership) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tokens_serviceaccounttoken")
    response = staff.get(LIST)
    rows = response.context["cl"]
    assert (rows.result_count, rows.total, rows.is_capped) == (10, 30, True)
    assert "About 30 API tokens" in response.content.decode()


def test_the_total_of_a_long_list_is_cached(staff: Client, capped: Membership) -> None:
    with CaptureQueriesContext(connection) as first:
        total = staff.get(LIST).context["cl"].total
    make_token(capped)
    with CaptureQueriesContext(connection) as second:
        assert staff.get(LIST).context["cl"].total == total
    # The count of at most MOST_ROWS + 1 rows, and the planner's estimate.
    assert len(first) - len(second) == 2


def test_a_short_list_is_counted_exactly(staff: Client, owner: Membership) -> None:
    make_token(owner)
    response = staff.get(LIST)
    assert (response.context["cl"].total, response.context["cl"].is_capped) == (1, False)
    assert "1 API token" in response.content.decode()


def test_an_organization_of_many_members_is_saved(staff: Client, owner: Membership) -> None:
    people = User.objects.bulk_create(User(email=f"p{number}@example.com") for number in range(520))
    Membership.objects.bulk_create(Membership(organization=owner.organization, user=user) for user in people)
    page = reverse("admin:accounts_organization_change", args=[owner.organization_id])
    html = staff.get(page).content.decode()
    assert html.count("<input") < 40
    form = {"plan": owner.organization.plan_id, "requests_per_day": "7"}
    assert staff.post(page, form).status_code == 302
    assert Organization.objects.get().requests_per_day == 7


def test_no_address_sorts_by_a_column_that_no_index_orders(staff: Client, owner: Membership) -> None:
    make_token(owner, "b")
    make_token(owner, "a")
    names = [token.name for token in staff.get(LIST, {"o": "1"}).context["cl"].result_list]
    assert names == [token.name for token in ServiceAccountToken.objects.order_by("-pk")]


def test_a_person_of_many_memberships_is_shown_without_their_rows(staff: Client) -> None:
    member = make_member()
    html = staff.get(reverse("admin:accounts_user_change", args=[member.user_id])).content.decode()
    assert "memberships-TOTAL_FORMS" not in html
