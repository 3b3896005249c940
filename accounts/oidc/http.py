"""Asking an identity provider: bounded in time and size, never redirected, and its keys remembered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings

LARGEST = 200_000
LONGEST_STEP_SECONDS = 2.0
TOO_LONG = "The provider took too long."
KEYS_SECONDS = 3600
# How long keys serve while the provider gives no newer ones, and how often a new key's name is believed.
KEYS_OUTAGE_SECONDS = 86_400
UNKNOWN_KEY_EVERY_SECONDS = 10


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


@dataclass(slots=True)
class _Keys:
    by_id: dict[str, dict[str, Any]]
    fetched_at: float
    unknown_at: float


_known: dict[str, _Keys] = {}
_lock = threading.Lock()


def signing_key(url: str, key_id: str, deadline: Deadline) -> dict[str, Any] | None:
    """The public key of that name as a JWK, None where there is none.

    Keys are asked for again each hour, and at once for a name that is new. Where the provider then
    gives none, those known before serve on. Raises ProviderDown where there are none at all.
    """
    known, now = _known.get(url), time.monotonic()
    if known is None or now - known.fetched_at > KEYS_SECONDS:
        known = _fetch(url, known, deadline)
    elif key_id not in known.by_id and now - known.unknown_at > UNKNOWN_KEY_EVERY_SECONDS:
        known.unknown_at = now
        known = _fetch(url, known, deadline)
    return known.by_id.get(key_id)


def forget_keys() -> None:
    with _lock:
        _known.clear()


def _fetch(url: str, known: _Keys | None, deadline: Deadline) -> _Keys:
    try:
        listed = ask(url, deadline).get("keys")
        if not isinstance(listed, list):
            raise ProviderDown("The provider's keys are no list.")
        by_id = {
            key["kid"]: key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)
        }
        if not by_id:
            raise ProviderDown("The provider has no keys.")
    except (ProviderDown, ProviderRefused):
        if known is None or time.monotonic() - known.fetched_at > KEYS_OUTAGE_SECONDS:
            raise ProviderDown("The provider's keys are out of reach.") from None
        return known
    # A name that is new now was not believed before, so the next unknown one is asked for at once.
    unknown_at = known.unknown_at if known else -float(UNKNOWN_KEY_EVERY_SECONDS)
    fresh = _Keys(by_id, time.monotonic(), unknown_at)
    with _lock:
        _known[url] = fresh
    return fresh
