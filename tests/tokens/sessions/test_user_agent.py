"""A User-Agent in the words in which its owner knows the device."""

from __future__ import annotations

import pytest

from tokens.user_agent import MAX_LENGTH, printable, summary

MOZILLA = "Mozilla/5.0 "


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "(Windows NT 10.0; Win64) AppleWebKit/537 (KHTML, like Gecko) Chrome/140.0 Safari/537 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "(Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "(iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604",
            "Safari on iPhone",
        ),
        ("(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18.0 Safari/605", "Safari on macOS"),
        ("Firefox/140.0", "Firefox"),
    ],
)
def test_a_browser_is_named_with_its_system(user_agent: str, words: str) -> None:
    assert summary(MOZILLA + user_agent) == words


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("curl/8.5.0", "curl 8.5.0"),
        ("python-requests/2.32.3", "python-requests 2.32.3"),
        ("Sly SDK/v1.4 (node)", "Sly SDK 1.4"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("Mozilla/5.0", "Mozilla 5.0"),
    ],
)
def test_a_program_is_called_what_it_calls_itself(user_agent: str, words: str) -> None:
    assert summary(user_agent) == words


def test_what_is_kept_is_printable_and_short() -> None:
    assert printable("curl\r\n\x1b[31m/8" + "x" * 900) == ("curl[31m/8" + "x" * 900)[: MAX_LENGTH - 3]
