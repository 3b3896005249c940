"""Plans in the admin: edited by staff, with what was there before in the log."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from ratelimit.models import Plan
from tests.support.people import make_organization, make_plan

LIST = reverse("admin:ratelimit_plan_changelist")


def test_a_plans_numbers_are_edited_and_its_slug_is_not(staff: Client) -> None:
    plan = make_plan()
    page = reverse("admin:ratelimit_plan_change", args=[plan.pk])
    form = {"name": "Free", "slug": "other", "requests_per_day": "", "burst_per_minute": "30"}
    assert staff.post(page, form).status_code == 302
    plan.refresh_from_db()
    assert (plan.slug, plan.requests_per_day, plan.burst_per_minute) == ("free", None, 30)
    results = LogEntry.objects.get().change_message
    assert results.endswith("Requests per day: 100 → none; Burst per minute: none → 30")


def test_a_plan_without_a_number_is_unlimited(staff: Client) -> None:
    Plan.objects.update(requests_per_day=None, burst_per_minute=None)
    make_plan()
    assert "Unlimited" in staff.get(LIST).content.decode()


def test_a_plan_is_added(staff: Client) -> None:
    form = {"name": "Large", "slug": "large", "requests_per_day": "50000"}
    assert staff.post(reverse("admin:ratelimit_plan_add"), form).status_code == 302
    assert Plan.objects.get(slug="large").requests_per_day == 50_000
    assert LogEntry.objects.get().is_addition()


def test_a_plan_in_use_is_not_deleted(staff: Client) -> None:
    plan = make_organization().plan
    page = reverse("admin:ratelimit_plan_delete", args=[plan.pk])
    staff.post(page, {"post": "yes"})
    form = {"action": "delete_selected", "_selected_action": [plan.pk], "post": "yes"}
    staff.post(LIST, form)
    assert Plan.objects.filter(pk=plan.pk).exists()


def test_a_number_below_nothing_is_refused(staff: Client) -> None:
    plan = make_plan()
    form = {"name": "Free", "requests_per_day": "-1"}
    page = reverse("admin:ratelimit_plan_change", args=[plan.pk])
    assert staff.post(page, form).status_code == 200
    assert Plan.objects.get(pk=plan.pk).requests_per_day == 100
