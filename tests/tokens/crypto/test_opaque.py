"""Secrets: their two forms, their shape, and their digest."""

from __future__ import annotations

import math
import string
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tokens.crypto import opaque

GOOD = "tsr_sa_" + "aB3" * 14 + "z"
SPOILT = {
    "shorter": GOOD[:-1],
    "longer": GOOD + "a",
    "with a line end": GOOD + "\n",
    "with a space": " " + GOOD,
    "with a dash": GOOD[:-1] + "-",
    "with an accent": GOOD[:-1] + "é",
    "with a NUL": GOOD[:-1] + "\x00",
    "with a lone surrogate": GOOD[:-1] + "\ud800",
    "with a wide digit": GOOD[:-1] + "１",
    "with another case of prefix": GOOD.replace("tsr", "TSR"),
    "with half a prefix": GOOD.removeprefix("tsr_"),
    "without a prefix": GOOD.removeprefix("tsr_sa_"),
    "with two prefixes": "tsr_sa_" + GOOD,
    "twice": f"{GOOD},{GOOD}",
    "nothing": "",
}
LETTERS = string.ascii_letters + string.digits


def test_a_secret_is_the_prefix_and_43_characters() -> None:
    secret = opaque.new()
    assert secret.plaintext.startswith("tsr_sa_")
    assert secret.prefix == "tsr_sa_"
    body = secret.plaintext.removeprefix("tsr_sa_")
    assert len(body) == 43
    assert set(body) <= set(LETTERS)
    assert len(body) * math.log2(len(opaque.ALPHABET)) >= 256


def test_the_long_form_is_64_characters_without_a_prefix(settings: Settings) -> None:
    settings.TOKEN_FORMAT = "alphanumeric"
    secret = opaque.new()
    assert len(secret.plaintext) == 64
    assert set(secret.plaintext) <= set(LETTERS)
    assert secret.prefix == ""


def test_the_prefix_is_the_operators(settings: Settings) -> None:
    settings.TOKEN_PREFIX = "acme.live+"
    secret = opaque.new()
    assert secret.plaintext.startswith("acme.live+")
    assert opaque.looks_real(secret.plaintext)
    assert not opaque.looks_real(secret.plaintext.replace(".", "x"))


@pytest.mark.parametrize("form", ["prefixed", "alphanumeric"])
def test_both_forms_look_real_whichever_is_made(settings: Settings, form: str) -> None:
    settings.TOKEN_FORMAT = form
    secret = opaque.new()
    settings.TOKEN_FORMAT = "prefixed" if form == "alphanumeric" else "alphanumeric"
    assert opaque.looks_real(secret.plaintext)


def test_no_two_secrets_are_alike_and_every_character_occurs() -> None:
    made = {opaque.new().plaintext for _ in range(2_000)}
    assert len(made) == 2_000
    assert set("".join(text.removeprefix("tsr_sa_") for text in made)) == set(LETTERS)


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_secret_does_not_look_real(spoilt: str) -> None:
    assert opaque.looks_real(GOOD)
    assert not opaque.looks_real(spoilt)


@given(st.text(max_size=80))
def test_no_text_breaks_the_check(text: str) -> None:
    assert opaque.looks_real(text) is False or len(text) in (50, 64)


def test_the_digest_is_that_of_the_string_as_it_was_received() -> None:
    secret = opaque.new()
    assert secret.digest == sha256(secret.plaintext.encode()).digest()
    assert len(secret.digest) == 32
    assert opaque.digest(secret.plaintext.lower()) != secret.digest


def test_only_the_last_four_characters_are_kept_to_be_shown() -> None:
    secret = opaque.new()
    assert secret.plaintext[-4:] == secret.last_four
