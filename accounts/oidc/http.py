"""Requests to an identity provider: bounded in time and size, never redirected."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from django.conf import settings

LARGEST = 200_000
LONGEST_STEP_SECONDS = 2.0
TOO_LONG = "The provider took too long."


# A provider that does not respond blocks these threads, and not the workers that serve pages.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="single-sign-on")


class ProviderDown(Exception):
    """The provider did not answer, or not in time, or with something that is no answer."""


class ProviderRefused(Exception):
    """The provider answered that it will not."""


class Deadline:
    """What is left of the time that a person may be made to wait."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + settings.SINGLE_SIGN_ON_SECONDS

    def left(self) -> float:
        """Seconds; raises ProviderDown when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise ProviderDown(TOO_LONG)
        return left

    def step(self) -> float:
        """Seconds for the next wait; raises ProviderDown when none are left."""
        return min(self.left(), LONGEST_STEP_SECONDS)


def ask(url: str, deadline: Deadline, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at the address, or in answer to the form; raises ProviderDown, ProviderRefused."""
    # In a thread, because looking a name up and reading headers cannot be given a time of ours.
    asking = _threads.submit(_ask, url, deadline, form)
    try:
        return asking.result(timeout=deadline.left())
    except TimeoutError:
        asking.cancel()
        raise ProviderDown(TOO_LONG) from None


def _ask(url: str, deadline: Deadline, form: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        step = deadline.step()
        response = requests.request(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers={"Accept": "application/json"},
            timeout=(step, step),
            allow_redirects=False,
            stream=True,
        )
        with response:
            if 400 <= response.status_code < 500 and response.status_code != 429:
                raise ProviderRefused(f"The provider answered {response.status_code}.")
            if response.status_code != 200:
                raise ProviderDown(f"The provider answered {response.status_code}.")
            found = json.loads(_read(response, deadline))
    except (requests.RequestException, OSError, ValueError, RecursionError) as problem:
        raise ProviderDown(type(problem).__name__) from None
    if not isinstance(found, dict):
        raise ProviderDown("The provider's answer is no JSON object.")
    return found


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    """All of the body, by what arrives, so that a slow drip ends at the deadline."""
    body = b""
    while chunk := response.raw.read1(65_536, decode_content=True):
        deadline.step()
        body += chunk
        if len(body) > LARGEST:
            raise ProviderDown("The provider's answer is too large.")
    return body
