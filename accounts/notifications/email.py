"""The content of an email. Only ``accounts.notifications.outbox`` sends one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Email:
    """``before`` and ``after`` are paragraphs around the one link; its label is the button's word.

    ``rows`` are pairs of a label and a value, shown above the link.
    """

    subject: str
    before: tuple[str, ...]
    link: str = ""
    label: str = ""
    after: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def defang(text: str) -> str:
    """Return a user's text in a form that no mail program turns into a link."""
    return text.replace(".", ".\u2060").replace(":", ":\u2060").replace("@", "@\u2060")


@dataclass(frozen=True, slots=True)
class Link:
    """The link in a mail, by its secret's digest: once it has expired or was replaced, no mail is sent."""

    digest: bytes
    expires_at: datetime
