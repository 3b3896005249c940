"""The admin's queries may take longer than those of other pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from accounts import locking
from accounts.staff.statement_timeout import AdminTimeoutMiddleware


def seconds_at(path: str) -> float:
    found = []

    def view(_: HttpRequest) -> HttpResponse:
        found.append(locking.seconds())
        return HttpResponse()

    AdminTimeoutMiddleware(view)(RequestFactory().get(path))
    assert locking.seconds() == 0
    return found[0]


def test_only_the_admins_queries_are_given_more_time(settings: Settings) -> None:
    settings.DATABASE_ADMIN_SECONDS = 7.0
    assert seconds_at("/admin/tokens/serviceaccounttoken/") == 7
    assert seconds_at("/settings/tokens/") == 0


def test_a_wait_for_a_lock_shortens_no_admin_query(settings: Settings) -> None:
    settings.DATABASE_LOCK_SECONDS = 3.0
    with locking.at_least(7), locking.extended_lock_timeout():
        assert locking.seconds() == 7
