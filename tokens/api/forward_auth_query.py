"""The query string by which a proxy asks: required permissions, and whether it wants the metadata."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from accounts import errors
from accounts.errors import APIError
from accounts.permissions.scopes import parse

logger = logging.getLogger(__name__)

MOST_REQUIRED = 20


class Question(NamedTuple):
    """``required`` are permissions that the caller needs."""

    required: tuple[str, ...]
    wants_metadata: bool


@lru_cache(maxsize=512)
def question(query: str) -> Question:
    """Return what the query asks for.

    Raises APIError(invalid_request) for any parameter but ``require`` and ``metadata=1``, because a misspelt
    name must not admit every request.
    """
    required, wants_metadata = [], False
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "metadata":
            if value != "1":
                raise _invalid_request("metadata other than 1", name, "Use metadata=1, or leave it out.")
            wants_metadata = True
        elif name == "require":
            required.append(_permission(value))
        else:
            sentence = "Use require=<permission> and metadata=1 only."
            raise _invalid_request("an unknown parameter", name, sentence)
    if query and not required and not wants_metadata:
        raise _invalid_request("a query of separators alone", "require", "Ask for require=<permission>.")
    if len(required) > MOST_REQUIRED:
        raise _invalid_request("too many permissions", "require", f"Ask for {MOST_REQUIRED} at most.")
    return Question(tuple(required), wants_metadata)


def before_path(query: str) -> str:
    """Return the query before ``&path=``, which Envoy appends with the client's URL.

    Raises APIError(invalid_request) if nothing precedes it, because a configuration error must not admit
    every request.
    """
    ours = f"&{query}".partition("&path=")[0][1:]
    if query and not ours:
        raise _invalid_request("nothing before path=", "path", "Ask for require=<permission> before path=.")
    return ours


def _permission(text: str) -> str:
    try:
        parse(text)
    except ValueError as problem:
        raise _invalid_request("a malformed permission", "require", str(problem)) from None
    return text


def _invalid_request(what: str, name: str, sentence: str) -> APIError:
    # The value is not logged, because it may be a secret.
    logger.warning("Forward authentication was requested with %s: the request is refused.", what)
    return APIError(errors.INVALID_REQUEST, fields={name: [sentence]})
