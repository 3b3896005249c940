"""Every exception that may leave a view, told as one of the refusals of the API."""

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

from accounts import errors as refusals
from accounts.errors import Refusal, Refused
from ratelimit import metrics
from ratelimit.store.client import StoreUnavailable

logger = logging.getLogger(__name__)

READ_ONLY_SQL_TRANSACTION = "25006"
NO_FIELD = "non_field_errors"
# A sentence may quote what was sent, which may be a megabyte.
LONGEST_SENTENCE = 300

# The first row that fits decides, so a narrower exception stands above its base class.
_ROWS: tuple[tuple[tuple[type[Exception], ...], Refusal], ...] = (
    ((drf.NotAuthenticated,), refusals.CREDENTIAL_REQUIRED),
    ((ReauthenticationRequired,), refusals.REAUTHENTICATION_REQUIRED),
    ((drf.AuthenticationFailed,), refusals.INVALID_TOKEN),
    ((drf.PermissionDenied, DjangoPermissionDenied), refusals.FORBIDDEN),
    ((drf.NotFound, Http404), refusals.NOT_FOUND),
    ((drf.ValidationError, DjangoValidationError), refusals.INVALID_REQUEST),
    ((RequestDataTooBig,), refusals.PAYLOAD_TOO_LARGE),
    ((drf.ParseError, BadRequest, SuspiciousOperation), refusals.INVALID_REQUEST),
    ((MultiPartParserError, UnreadablePostError), refusals.INVALID_REQUEST),
    ((drf.MethodNotAllowed,), refusals.METHOD_NOT_ALLOWED),
    ((drf.UnsupportedMediaType,), refusals.UNSUPPORTED_MEDIA_TYPE),
    ((drf.NotAcceptable,), refusals.NOT_ACCEPTABLE),
    ((drf.Throttled,), refusals.RATE_LIMITED),
)


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The response of a refusal, or None for what is a fault of ours (DRF raises it on, to become a 500)."""
    refused = refusal_of(exc)
    if refused is None:
        return None
    if refused.refusal is refusals.UNAVAILABLE:
        log_unavailable(exc, context["request"])
    return refusals.response(refused.refusal, **refused.facts)


def refusal_of(exc: BaseException) -> Refused | None:
    """What ``exc`` means to a client, or None where it is a fault of ours."""
    if isinstance(exc, Refused):
        return exc
    if is_store_failure(exc):
        return Refused(refusals.UNAVAILABLE)
    for kinds, refusal in _ROWS:
        if isinstance(exc, kinds):
            return Refused(refusal, **_facts(exc))
    return None


def is_store_failure(exc: BaseException) -> bool:
    """Whether PostgreSQL, SQLite or Redis is away, overloaded, or read-only after a failover."""
    if isinstance(exc, InternalError):
        return getattr(exc.__cause__, "sqlstate", None) == READ_ONLY_SQL_TRANSACTION
    away = OperationalError | InterfaceError | RedisError | ConnectionInterrupted | StoreUnavailable
    return isinstance(exc, away)


def log_unavailable(exc: BaseException, request: Any) -> None:
    if not isinstance(exc, RedisError | ConnectionInterrupted | StoreUnavailable):
        metrics.STORE_ERRORS("database").inc()
    logger.warning(
        "A store did not answer (%s: %s), request %s",
        type(exc).__name__,
        str(exc).strip(),
        getattr(request, "id", "-"),
    )


def _facts(exc: BaseException) -> dict[str, Any]:
    """The members beside ``error`` and ``code``. A 404 has none, whoever's id was asked for."""
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
    """Nested error lists and dicts as {"items.0.name": [sentence, …]}."""
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
