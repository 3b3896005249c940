"""Helpers of the tests of rotations."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.errors import APIError, ErrorCode
from accounts.permissions.actor import Actor
from tokens.credentials.credential import Credential
from tokens.credentials.token_lookup import authenticate_token
from tokens.service_accounts.issue import Issued


def works(plaintext: str, now: datetime | None = None) -> bool:
    return isinstance(authenticate_token(plaintext, now), Credential)


def itself(issued: Issued) -> Actor:
    found = authenticate_token(issued.plaintext)
    assert isinstance(found, Credential)
    return found


def refusal(act: object, **arguments: object) -> ErrorCode:
    with pytest.raises(APIError) as refused:
        act(**arguments)  # type: ignore[operator]
    return refused.value.error
