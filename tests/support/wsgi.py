"""Requests as gunicorn's application builds them; Django's test client builds its own kind."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import RequestFactory

from config.http.request import TolerantHandler


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(method: str, target: str, body: bytes = b"", environ: dict[str, Any] | None = None) -> Answer:
    """One request; ``environ`` adds to what a server would pass, a value of None removes one."""
    path, _, query = target.partition("?")
    request = RequestFactory().generic(method, path, body, content_type="", QUERY_STRING=query)
    meta = request.META | {"wsgi.input": io.BytesIO(body), "RAW_URI": target} | (environ or {})
    meta = {name: value for name, value in meta.items() if value is not None}
    handler = TolerantHandler()
    # Past the handler's own call, whose signals would close the connection that the test's transaction is in.
    response = handler.get_response(handler.request_class(meta))
    assert isinstance(response, HttpResponse)
    return Answer(response.status_code, dict(response.headers), response.content)
