"""What gunicorn refuses before Django sees it, in the API's form: the path is not known by then."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import Any

from gunicorn import util

from accounts import errors
from accounts.errors import ErrorCode
from config.http.middleware import api_headers

_BY_STATUS = {
    one.status: one
    for one in (
        errors.INVALID_REQUEST,
        errors.FORBIDDEN,
        errors.URI_TOO_LONG,
        ErrorCode(417, "Expectation failed", "expectation_failed"),
        ErrorCode(431, "The header fields are too large or too many", "headers_too_large"),
        errors.INTERNAL_ERROR,
        ErrorCode(501, "Not implemented", "not_implemented"),
    )
}


def write(sock: Any, status: int, reason: str, message: str) -> None:
    """Replace gunicorn's page, which quotes the request; the reason is in the server's log."""
    error = _BY_STATUS.get(status) or ErrorCode(status, HTTPStatus(status).phrase, "refused")
    body = json.dumps(errors.body(error)).encode()
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Request-ID": secrets.token_hex(16),
        **api_headers(),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n"
    util.write_nonblock(sock, head.encode("latin-1") + body)
