"""What a client wrote, read as RFC 6749 wants it: one form in the body, one way to say who it is."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from tokens.oauth.errors import invalid_client, invalid_request

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 50
# What would be a credential, or would change what one is for, must not stand in an address.
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
    """Who a client says it is; ``secret`` is None where it sent none."""

    client_id: str
    secret: str | None


def read_form(content_type: str, body: bytes, query: str) -> dict[str, str]:
    """The body's parameters; an empty value counts as left out (RFC 6749 section 3.2).

    Raises OAuthError(invalid_request) for another content type, a parameter given twice, or one in the query.
    """
    if content_type != FORM:
        raise invalid_request(f"Send the parameters in the body as {FORM}.")
    if any(name in NEVER_IN_QUERY for name, _ in _pairs(query)):
        raise invalid_request("Send the parameters in the body, not in the address.")
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


def presented(form: dict[str, str], authorization: str) -> Presented:
    """The client's own words about itself: in the body or by HTTP Basic, never both (section 2.3).

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


def _basic(authorization: str) -> Presented | None:
    """RFC 6749 section 2.3.1: id and secret are each form-encoded before they are joined."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(encoded.strip(" "), validate=True).decode().partition(":")
        client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, ValueError):
        return None
    return Presented(client_id, secret or None) if colon and client_id else None
