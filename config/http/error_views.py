"""Error responses outside the views: JSON for programs, a page for people."""

from __future__ import annotations

import logging
import sys

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from accounts import errors
from accounts.drf.exception_handler import api_error_of, is_store_failure, log_unavailable
from accounts.errors import APIError, is_api
from accounts.pages import context_processors
from accounts.pages.guests import signed_in_since
from tokens.oauth import errors as oauth_errors

logger = logging.getLogger(__name__)


def respond(request: HttpRequest, exc: APIError, cause: BaseException | None = None) -> HttpResponse:
    """Return the response of ``exc``; ``cause`` is the failure of PostgreSQL or Redis behind a 503."""
    if cause is not None and exc.error is errors.UNAVAILABLE:
        log_unavailable(cause, request)
    if request.path_info in oauth_errors.PATHS:
        return oauth_errors.response(oauth_errors.of_api_error(exc))
    if is_api(request):
        return errors.response(exc.error, **exc.extra)
    return _page(request, exc)


def internal_error(request: HttpRequest, exc: BaseException) -> JsonResponse:
    """Log an unexpected exception of an API view with the request ID, and return 500."""
    logger.error("Request %s failed", request_id(request), exc_info=exc)
    got_request_exception.send(sender=None, request=request)
    return errors.response(errors.INTERNAL_ERROR)


def request_id(request: HttpRequest) -> str:
    return getattr(request, "id", "-")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, api_error_of(exception) or APIError(errors.INVALID_REQUEST))


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, APIError(errors.FORBIDDEN))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, APIError(errors.NOT_FOUND))


def handler500(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception, so ``sys.exc_info`` still has it."""
    exc = sys.exc_info()[1]
    if exc is not None and is_store_failure(exc):
        response = respond(request, APIError(errors.UNAVAILABLE), exc)
        # An outage is one line for each request; Django would add a traceback to it.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response
    logger.error("Request %s failed", request_id(request))
    return respond(request, APIError(errors.INTERNAL_ERROR))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if hasattr(request, "user") and (response := signed_in_since(request)):
        return response
    detail = "The form is too old or came from elsewhere. Go back, load the page again and repeat."
    return respond(request, APIError(errors.FORBIDDEN, detail=detail))


def _page(request: HttpRequest, exc: APIError) -> HttpResponse:
    """Render 403 and 404 with the site's navigation; the others must work without sessions and databases."""
    error = exc.error
    inside = error.status in (403, 404) and hasattr(request, "user")
    name = error.status if inside or error.status in (500, 503) else 400
    context = {
        "heading": error.message,
        "detail": exc.extra.get("detail", ""),
        "request_id": request_id(request),
        "theme": context_processors.theme(request),
    }
    return HttpResponse(
        loader.render_to_string(f"{name}.html", context, request if inside else None),
        status=error.status,
        headers=errors.headers(error, **exc.extra),
    )
