"""The request that the server builds: a Content-Type that can't be read counts as none."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class TolerantRequest(WSGIRequest):
    """Django parses Content-Type before any middleware runs, where an exception could only become a 500."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (ValueError, TypeError, LookupError):
            # RFC 2231 parameters reach the parts of the standard library that raise.
            meta["CONTENT_TYPE"] = ""
            self.content_type, self.content_params = "", {}


class TolerantHandler(WSGIHandler):
    request_class = TolerantRequest
