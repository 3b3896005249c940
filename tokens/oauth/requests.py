"""Parsing of OAuth requests (RFC 6749): a form in the body, and one method of client authentication."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from tokens.oauth.errors import invalid_client, invalid_request

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 50

Form = dict[str, str]

# Parameters that are credentials, or change what one is used for, must not appear in the URL.
NEVER_IN_QUERY = frozenset(
    (
        "access_token",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "grant_type",
        "password",
        "refresh_token",
        "scope",
        "token",
        "token_type_hint",
        "username",
    )
)


@dataclass(frozen=True, slots=True)
class Presented:
    """The client's id and secret as sent; ``secret`` is None without one."""

    client_id: str
    secret: str | None


def read_form(content_type: str, body: bytes, query: str) -> Form:
    """Return the body's parameters. An empty value counts as omitted (RFC 6749 section 3.2).

    Raises OAuthError(invalid_request) for another content type, a parameter given twice, or one in the query.
    """
    if content_type != FORM:
        raise invalid_request(f"Send the parameters in the body as {FORM}.")
    if any(name in NEVER_IN_QUERY for name, _ in _pairs(query)):
        raise invalid_request("Send the parameters in the body, not in the URL.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise invalid_request("The body must be UTF-8.") from None
    found: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in found:
            raise invalid_request("A parameter is given more than once.")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise invalid_request("The parameters are malformed or too many.") from None


def presented(form: Form, authorization: str) -> Presented:
    """Return the client's credentials from the body or from HTTP Basic, never from both (section 2.3).

    Raises OAuthError: invalid_request for both, invalid_client for neither and for any other scheme.
    """
    if not authorization:
        if "client_id" not in form:
            raise invalid_client()
        return Presented(form["client_id"], form.get("client_secret"))
    found = _basic(authorization)
    if found is None:
        raise invalid_client()
    if "client_secret" in form or form.get("client_id", found.client_id) != found.client_id:
        raise invalid_request("Authenticate in the body or by the Authorization header, not by both.")
    return found


def required_token(form: Form) -> str:
    """Return the parameter ``token``. Raises OAuthError(invalid_request) without it."""
    if "token" not in form:
        raise invalid_request("The parameter token is missing.")
    return form["token"]


def _basic(authorization: str) -> Presented | None:
    """Decode HTTP Basic, where id and secret are each form-encoded (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(encoded.strip(" "), validate=True).decode().partition(":")
        client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, ValueError):
        return None
    return Presented(client_id, secret or None) if colon and client_id else None
