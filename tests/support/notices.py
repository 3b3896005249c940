"""Rounds of notices at a given moment, and what came of them."""

from __future__ import annotations

from datetime import datetime

from django.core import mail

from accounts.notifications import outbox
from tokens.notifications import dispatch


def round_at(now: datetime) -> list[tuple[str, str]]:
    """What housekeeping mails at that moment: receiver and subject of each, in order."""
    before = len(mail.outbox)
    dispatch.find(now)
    dispatch.enqueue(now)
    outbox.deliver(now=now)
    return told_since(before)


def told_since(before: int) -> list[tuple[str, str]]:
    return sorted((one.to[0], str(one.subject)) for one in mail.outbox[before:])


def html_of(index: int = -1) -> str:
    """The HTML form of a mail."""
    [part] = [one for one in mail.outbox[index].message().walk() if one.get_content_type() == "text/html"]
    return str(part.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
