"""Short descriptions of User-Agent headers."""

from __future__ import annotations

import re

MAX_LENGTH = 300
UNKNOWN = "Unknown device"

# The first match decides: browsers list those they imitate after their own name.
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


def printable(user_agent: str) -> str:
    """Return the printable characters of the header, at most MAX_LENGTH."""
    return "".join(character for character in user_agent[:MAX_LENGTH] if character.isprintable())


def summary(user_agent: str) -> str:
    """Return ``Firefox on Windows``, ``curl 8.5.0``, or for an unknown program its own name and version."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    if browser and user_agent.startswith("Mozilla/"):
        system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
        return f"{browser} on {system}" if system else browser
    if program := _PROGRAM.match(user_agent):
        return f"{program[1]} {program[2]}"
    return UNKNOWN
