"""Texts of the OpenAPI document."""

from __future__ import annotations

DESCRIPTION = """\
Organizations, people with roles, and machine credentials.

Send a credential as `Authorization: Bearer …`. Bodies are JSON, names are camelCase, times are UTC with
milliseconds. Every refusal is `{"error": …, "code": …}`: `error` is for people, `code` is stable.
Lists are paged: follow `next` until it is null."""

TAGS = [
    {"name": "Identity", "description": "Who a credential is and what it may do."},
    {"name": "Tokens", "description": "Credentials of an organization's programs."},
    {"name": "OAuth clients", "description": "Programs that get short-lived tokens with a secret."},
    {"name": "OAuth 2.1", "description": "The token service itself; its errors are those of RFC 6749."},
    {"name": "Sessions", "description": "People at the API: sign-in, refresh, sign-out."},
    {"name": "Indexes", "description": "Named resources that permissions and requests refer to."},
    {"name": "Organization", "description": "The organization and its people."},
    {"name": "Leaks", "description": "Reports of secrets that were found in public."},
    {"name": "Usage", "description": "Calls by day and by token."},
]
