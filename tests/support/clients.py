"""Programs that call the API."""

from __future__ import annotations

from rest_framework.test import APIClient

from tokens.service_accounts.issue import Issued


def program(issued: Issued | str) -> APIClient:
    """A client that sends the token, or the string, as its bearer and JSON as its bodies."""
    plaintext = issued if isinstance(issued, str) else issued.plaintext
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {plaintext}")
    return client
