"""CORS for bearers: a page on an allowed origin may send any header, because no cookie comes with it."""

from __future__ import annotations

import re

from corsheaders.middleware import CorsMiddleware as FixedCorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

# Names as in RFC 9110 section 5.6.2, and no more of them than a program would send.
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
LONGEST = 2_000
ALLOWED, ASKED = "Access-Control-Allow-Headers", "Access-Control-Request-Headers"


class CorsMiddleware(FixedCorsMiddleware):
    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Allow the headers that a preflight asks for; the origin has been checked where any are allowed."""
        response = super().add_response_headers(request, response)
        asked = request.headers.get(ASKED, "")
        if ALLOWED in response.headers and len(asked) <= LONGEST and _NAMES.fullmatch(asked):
            response.headers[ALLOWED] = asked.lower()
            patch_vary_headers(response, (ASKED,))
        return response
