"""A browser's or program's User-Agent in the few words in which its owner knows it."""

from __future__ import annotations

import re

MAX_LENGTH = 300
UNKNOWN = "Unknown device"

# The first name found decides: browsers name those they imitate after their own.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_PROGRAM = re.compile(r"([A-Za-z][\w .-]{0,40}?)/v?(\d[\w.]{0,15})", re.ASCII)


def kept(user_agent: str) -> str:
    """What is kept of the header: printable text of a bounded length."""
    return "".join(character for character in user_agent[:MAX_LENGTH] if character.isprintable())


def summary(user_agent: str) -> str:
    """``Firefox on Windows``, ``curl 8.5.0``; of what nobody knows, the name that it gives itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    if browser and user_agent.startswith("Mozilla/"):
        system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
        return f"{browser} on {system}" if system else browser
    if program := _PROGRAM.match(user_agent):
        return f"{program[1]} {program[2]}"
    return UNKNOWN
