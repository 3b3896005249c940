"""Charges the credential that is on the request, answers 429, and writes the limit headers.

A refused request gets ``exhausted_limit``, the name of the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from ratelimit import limiter
from ratelimit.client_ip import client_ip
from ratelimit.conf import settings
from ratelimit.types import DAY_SECONDS, Decision, Fence, LimitRequest


class Chargeable(Protocol):
    def limit_request_for(self, path: str) -> LimitRequest | None:
        """Return the limits of a request to that path; None for no limit."""


class Freshness(Protocol):
    """The cache state of the credential on a request."""

    @property
    def fence(self) -> Fence: ...

    def read_again(self) -> Chargeable | None:
        """Read the credential from SQL and set it on the request; None if it is no longer valid."""

    def keep(self, decision: Decision) -> None:
        """Cache the credential if the decision allows it."""


class RateLimitMiddleware:
    """Django middleware; the view that RATELIMIT_REFUSED names answers refused requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.refused: Callable[[HttpRequest, int], HttpResponse] = import_string(settings.RATELIMIT_REFUSED)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        credential: Chargeable | None = getattr(request, "credential", None)
        limit_request = credential.limit_request_for(request.path_info) if credential else None
        if limit_request is None:
            return self.get_response(request)
        freshness: Freshness | None = getattr(request, "freshness", None)
        address = client_ip(request)
        decision = limiter.hit(limit_request, address, fence=freshness.fence if freshness else None)
        if freshness is not None:
            for last in (False, True):
                if not decision.stale:
                    break
                credential = freshness.read_again()
                limit_request = credential.limit_request_for(request.path_info) if credential else None
                if limit_request is None:
                    return self.get_response(request)
                # The second reading is final, because a restored database may be behind Redis for long.
                decision = limiter.hit(limit_request, address, fence=None if last else freshness.fence)
            if decision.epoch:
                freshness.keep(decision)
        if decision.admitted:
            response = self.get_response(request)
        else:
            request.exhausted_limit = decision.exhausted  # type: ignore[attr-defined]
            response = self.refused(request, decision.retry_after)
        write_headers(response, decision)
        return response


def refused(request: HttpRequest, retry_after: int) -> HttpResponse:
    """Return 429 in plain text (RFC 6585 section 4), for a project that has no error body of its own."""
    headers = {"Retry-After": str(retry_after)}
    return HttpResponse("Rate limit exceeded", status=429, content_type="text/plain", headers=headers)


def write_headers(response: HttpResponse, decision: Decision) -> None:
    """Write X-RateLimit-* of the day with the least remaining, and RateLimit of every limit (draft 10)."""
    if not decision.quotas:
        return
    if daily := [quota for quota in decision.quotas if quota.seconds == DAY_SECONDS]:
        least = min(daily, key=lambda quota: quota.remaining)
        response["X-RateLimit-Limit"] = str(least.limit)
        response["X-RateLimit-Remaining"] = str(least.remaining)
        response["X-RateLimit-Reset"] = str(decision.day_ends)
    response["RateLimit-Policy"] = ", ".join(f'"{q.name}";q={q.limit};w={q.seconds}' for q in decision.quotas)
    response["RateLimit"] = ", ".join(f'"{q.name}";r={q.remaining};t={q.resets_in}' for q in decision.quotas)
