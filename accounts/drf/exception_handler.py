"""DRF's exception handler: maps every exception of a view to an error of the API."""

from __future__ import annotations

import logging
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django_redis.exceptions import ConnectionInterrupted
from redis import RedisError
from rest_framework import exceptions as drf

from accounts import errors
from accounts.errors import APIError, ErrorCode
from ratelimit import metrics
from ratelimit.store.client import StoreUnavailable

logger = logging.getLogger(__name__)

READ_ONLY_SQL_TRANSACTION = "25006"
NO_FIELD = "non_field_errors"
# A message may quote the input, which may have a megabyte.
LONGEST_SENTENCE = 300

# The first matching row decides, so a subclass comes before its base class.
_ROWS: tuple[tuple[tuple[type[Exception], ...], ErrorCode], ...] = (
    ((drf.NotAuthenticated,), errors.CREDENTIAL_REQUIRED),
    ((ReauthenticationRequired,), errors.REAUTHENTICATION_REQUIRED),
    ((drf.AuthenticationFailed,), errors.INVALID_TOKEN),
    ((drf.PermissionDenied, DjangoPermissionDenied), errors.FORBIDDEN),
    ((drf.NotFound, Http404), errors.NOT_FOUND),
    ((drf.ValidationError, DjangoValidationError), errors.INVALID_REQUEST),
    ((RequestDataTooBig,), errors.PAYLOAD_TOO_LARGE),
    ((drf.ParseError, BadRequest, SuspiciousOperation), errors.INVALID_REQUEST),
    ((MultiPartParserError, UnreadablePostError), errors.INVALID_REQUEST),
    ((drf.MethodNotAllowed,), errors.METHOD_NOT_ALLOWED),
    ((drf.UnsupportedMediaType,), errors.UNSUPPORTED_MEDIA_TYPE),
    ((drf.NotAcceptable,), errors.NOT_ACCEPTABLE),
    ((drf.Throttled,), errors.RATE_LIMITED),
)


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the error response, or None for a fault of ours, which DRF raises again to become a 500."""
    found = api_error_of(exc)
    if found is None:
        return None
    if found.error is errors.UNAVAILABLE:
        log_unavailable(exc, context["request"])
    return errors.response(found.error, **found.extra)


def api_error_of(exc: BaseException) -> APIError | None:
    """Return the APIError for ``exc``, or None for a fault of ours."""
    if isinstance(exc, APIError):
        return exc
    if is_store_failure(exc):
        return APIError(errors.UNAVAILABLE)
    for kinds, error in _ROWS:
        if isinstance(exc, kinds):
            return APIError(error, **_extra(exc))
    return None


def is_store_failure(exc: BaseException) -> bool:
    """Whether PostgreSQL, SQLite or Redis is unavailable, overloaded, or read-only after a failover."""
    if isinstance(exc, InternalError):
        return getattr(exc.__cause__, "sqlstate", None) == READ_ONLY_SQL_TRANSACTION
    failures = OperationalError | InterfaceError | RedisError | ConnectionInterrupted | StoreUnavailable
    return isinstance(exc, failures)


def log_unavailable(exc: BaseException, request: Any) -> None:
    if not isinstance(exc, RedisError | ConnectionInterrupted | StoreUnavailable):
        metrics.STORE_ERRORS("database").inc()
    logger.warning(
        "A store did not answer (%s: %s), request %s",
        type(exc).__name__,
        str(exc).strip(),
        getattr(request, "id", "-"),
    )


def _extra(exc: BaseException) -> dict[str, Any]:
    """Return the further members of the body. A 404 has none: it must not reveal whether a row exists."""
    if isinstance(exc, drf.ValidationError):
        return {"fields": _flatten(exc.detail)}
    if isinstance(exc, DjangoValidationError):
        return {"fields": _flatten(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)}
    if isinstance(exc, drf.UnsupportedMediaType):
        return {"detail": "Send the body as application/json."}
    if isinstance(exc, drf.Throttled):
        wait = getattr(exc, "wait", None)
        return {} if wait is None else {"retry_after": wait}
    if isinstance(exc, drf.ParseError | drf.PermissionDenied) and exc.detail != exc.default_detail:
        return {"detail": str(exc.detail)}
    return {}


def _flatten(errors: Any) -> dict[str, list[str]]:
    """Flatten nested error lists and dicts to {"items.0.name": [message, …]}."""
    fields: dict[str, list[str]] = {}

    def walk(inside: Any, path: tuple[str, ...]) -> None:
        if isinstance(inside, dict):
            for key, value in inside.items():
                at_whole = str(key) in (NO_FIELD, "__all__")
                walk(value, path if at_whole else (*path, str(key)))
        elif isinstance(inside, list | tuple):
            for index, value in enumerate(inside):
                walk(value, path if isinstance(value, str) else (*path, str(index)))
        else:
            fields.setdefault(".".join(path) or NO_FIELD, []).append(_short(str(inside)))

    walk(errors, ())
    return fields


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:LONGEST_SENTENCE]}…"
