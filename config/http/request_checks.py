"""Checks before any other code reads a request: malformed, oversized, ambiguous or without https."""

from __future__ import annotations

import io
import logging
import re
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost, TooManyFieldsSent
from django.http import HttpRequest

from accounts import errors
from accounts.drf.parsers import UTF8_NAMES
from accounts.errors import APIError, ErrorCode
from tokens.credentials import forward_auth_paths

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# A gateway may ask about any method of the API behind it, WebDAV's included.
FORWARD_AUTH = REPEATABLE = forward_auth_paths.PATHS
MAX_URL = 4096
# Sign-in and the token service, to which anyone may post: API endpoints and pages.
OPEN_PREFIXES = ("/v1/auth/", "/auth/v1/", "/accounts/")
OPEN_BODY_TOO_LARGE = ErrorCode(413, "The body is larger than 16 KB", errors.PAYLOAD_TOO_LARGE.code)
MAX_HOST = 100
MAX_HOSTS_NAMED = 256

logger = logging.getLogger(__name__)

# Accept parameters in RFC 2231 form (name*=, name*0=) crash the standard library's parser.
_EXTENDED_PARAMETER = re.compile(r"\*\s*\d*\s*\*?\s*=")


def check(request: HttpRequest, *, api: bool) -> None:
    """Raise APIError for the first rule that the request breaks, and make a chunked body readable."""
    meta = request.META
    _check_method(request)
    if api:
        _check_host(request, needed=request.path_info not in FORWARD_AUTH)
    _check_url(request, api=api)
    if api and settings.SECURE and not request.is_secure():
        raise APIError(
            errors.HTTPS_REQUIRED,
            detail="This API is served over https only. Replace a credential that was sent in clear.",
        )
    if request.path_info in FORWARD_AUTH:
        # The body and its headers are for the API behind the gateway, and are not read here.
        return
    if (params := request.content_params) and params.get("charset", "").lower() not in UTF8_NAMES:
        raise _malformed("The body must be UTF-8.")
    if "=" in (accept := meta.get("HTTP_ACCEPT", "")) and _EXTENDED_PARAMETER.search(accept):
        raise _malformed("The Accept header is malformed.")
    if "HTTP_COOKIE" in meta and "\\000" in meta["HTTP_COOKIE"]:
        raise _malformed("A cookie holds a NUL character.")
    if length := meta.get("CONTENT_LENGTH"):
        _check_length(length, _limit(request))
    if "HTTP_TRANSFER_ENCODING" in meta:
        _read_chunked(request, _limit(request))


def _malformed(sentence: str) -> APIError:
    return APIError(errors.INVALID_REQUEST, detail=sentence)


def _check_method(request: HttpRequest) -> None:
    method = request.method
    if method in METHODS:
        return
    if method == "TRACE" or request.path_info not in FORWARD_AUTH:
        raise APIError(errors.METHOD_NOT_ALLOWED)


def _check_host(request: HttpRequest, *, needed: bool) -> None:
    """``needed`` is False if the host is not used: a gateway's mistake must not fail every request."""
    try:
        request.get_host()
    except DisallowedHost:
        _name_host(request.META.get("HTTP_HOST", "")[:MAX_HOST])
        if needed:
            raise APIError(errors.INVALID_REQUEST) from None


@lru_cache(maxsize=MAX_HOSTS_NAMED)
def _name_host(host: str) -> None:
    """Log a host once, even if many requests name it."""
    logger.warning("Requests come for the host %r, which is not in ALLOWED_HOSTS.", host)


def _check_url(request: HttpRequest, *, api: bool) -> None:
    query = request.META.get("QUERY_STRING", "")
    path = request.path_info
    # RAW_URI is gunicorn's: the request target before percent-decoding made it shorter.
    target = request.META.get("RAW_URI", "")
    if len(target) > MAX_URL or len(path) + len(query) > MAX_URL:
        raise APIError(errors.URI_TOO_LONG)
    if "#" in target:
        # RFC 9112 section 3.2: a target has no fragment, and gunicorn would drop what follows it.
        raise _malformed("The address holds a fragment.")
    if "\0" in path or "\0" in query or "%00" in query:
        raise _malformed("The address holds a NUL character.")
    if api and "&" in query and path not in REPEATABLE:
        _check_repeated(request)


def _check_repeated(request: HttpRequest) -> None:
    try:
        parameters = request.GET
    except TooManyFieldsSent:
        raise _malformed("The query has too many parameters.") from None
    for name, values in parameters.lists():
        if len(values) > 1:
            raise APIError(
                errors.INVALID_REQUEST,
                detail="A query parameter may be given once only.",
                fields={name: ["Give this parameter once only."]},
            )


def _limit(request: HttpRequest) -> ErrorCode:
    """Return the error of a body that is too large for this path."""
    return OPEN_BODY_TOO_LARGE if request.path_info.startswith(OPEN_PREFIXES) else errors.PAYLOAD_TOO_LARGE


def _bytes_of(too_large: ErrorCode) -> int:
    if too_large is OPEN_BODY_TOO_LARGE:
        return settings.OPEN_BODY_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


def _check_length(length: str, too_large: ErrorCode) -> None:
    if not (length.isascii() and length.isdigit()):
        raise _malformed("The Content-Length header must be a number.")
    if len(length) > 15 or int(length) > _bytes_of(too_large):
        raise APIError(too_large)


def _read_chunked(request: HttpRequest, too_large: ErrorCode) -> None:
    """Read a body without a length (RFC 9112 section 7.1) up to the limit, and set its length."""
    if not request.META.get("wsgi.input_terminated"):
        raise _malformed("Send the body with a Content-Length.")
    limit = _bytes_of(too_large)
    try:
        body = request.META["wsgi.input"].read(limit + 1)
    except TimeoutError:
        raise _malformed("The body did not arrive in time.") from None
    except Exception:
        # The server parses chunks during the read, and each server has its own exceptions.
        raise _malformed("The chunked body is malformed.") from None
    if len(body) > limit:
        raise APIError(too_large)
    request.META["CONTENT_LENGTH"] = str(len(body))
    # Django limited its own stream to 0 bytes, because Content-Length was missing.
    request._stream = io.BytesIO(body)
