"""Refusals and faults outside the views: JSON for programs, a page for people."""

from __future__ import annotations

import logging
import sys

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from accounts import errors
from accounts.drf.exception_handler import is_store_failure, log_unavailable, refusal_of
from accounts.errors import Refused, is_api
from accounts.pages import context_processors
from accounts.pages.guests import signed_in_since
from tokens.oauth import errors as oauth_errors

logger = logging.getLogger(__name__)


def refuse(request: HttpRequest, refused: Refused, exc: BaseException | None = None) -> HttpResponse:
    """The response of ``refused``; ``exc`` is the store's failure behind a 503."""
    if exc is not None and refused.refusal is errors.UNAVAILABLE:
        log_unavailable(exc, request)
    if request.path_info in oauth_errors.PATHS:
        return oauth_errors.response(oauth_errors.of_refusal(refused))
    if is_api(request):
        return errors.response(refused.refusal, **refused.facts)
    return _page(request, refused)


def internal_error(request: HttpRequest, exc: BaseException) -> JsonResponse:
    """A fault of ours in a view of the API, logged under the id that the client is given."""
    logger.error("Request %s failed", request_id(request), exc_info=exc)
    got_request_exception.send(sender=None, request=request)
    return errors.response(errors.INTERNAL_ERROR)


def request_id(request: HttpRequest) -> str:
    return getattr(request, "id", "-")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, refusal_of(exception) or Refused(errors.INVALID_REQUEST))


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, Refused(errors.FORBIDDEN))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, Refused(errors.NOT_FOUND))


def handler500(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception, so the exception can still be asked for."""
    exc = sys.exc_info()[1]
    if exc is not None and is_store_failure(exc):
        response = refuse(request, Refused(errors.UNAVAILABLE), exc)
        # An outage is one line for each request; Django would add a traceback to it.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response
    logger.error("Request %s failed", request_id(request))
    return refuse(request, Refused(errors.INTERNAL_ERROR))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if hasattr(request, "user") and (response := signed_in_since(request)):
        return response
    detail = "The form is too old or came from elsewhere. Go back, load the page again and repeat."
    return refuse(request, Refused(errors.FORBIDDEN, detail=detail))


def _page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """403 and 404 stand inside the site; the others must render when sessions and stores can't be asked."""
    refusal = refused.refusal
    inside = refusal.status in (403, 404) and hasattr(request, "user")
    name = refusal.status if inside or refusal.status in (500, 503) else 400
    context = {
        "heading": refusal.error,
        "detail": refused.facts.get("detail", ""),
        "request_id": request_id(request),
        "theme": context_processors.theme(request),
    }
    return HttpResponse(
        loader.render_to_string(f"{name}.html", context, request if inside else None),
        status=refusal.status,
        headers=errors.headers(refusal, **refused.facts),
    )
