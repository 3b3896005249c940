"""The request that the server builds: no Content-Type makes building it fail."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class TolerantRequest(WSGIRequest):
    """Django reads Content-Type before any middleware, where an exception can only become a bare 500.

    Its charset is kept in ``content_params`` for the edge to judge, and decodes nothing: Django would
    decode the query by it, with any codec that Python knows.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            found = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, TypeError, LookupError):
            # RFC 2231 parameters reach the parts of the standard library that raise.
            meta["CONTENT_TYPE"] = ""
            found = ("", {})
        self.content_type, self.content_params = found


class TolerantHandler(WSGIHandler):
    request_class = TolerantRequest
