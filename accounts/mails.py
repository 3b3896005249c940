"""Mails to people: one letter, told in text and in HTML, that leaves when its transaction has committed."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """``before`` and ``after`` are paragraphs around the one link; its label is the button's word.

    ``rows`` stand above the link: what each is about, and what there is to say of it.
    """

    subject: str
    before: tuple[str, ...]
    link: str = ""
    label: str = ""
    after: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def send(letter: Letter, to: str) -> None:
    """Mail it once the transaction has committed. A mail server that fails is logged and told to nobody."""
    ready = message(letter, to)
    transaction.on_commit(lambda: _deliver(ready))


def message(letter: Letter, to: str) -> EmailMultiAlternatives:
    """The letter in both its forms, ready to be sent."""
    context = {"letter": letter, "to": to, "base_url": settings.BASE_URL}
    made = EmailMultiAlternatives(
        subject=letter.subject,
        body=render_to_string("emails/letter.txt", context),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    made.attach_alternative(render_to_string("emails/letter.html", context), "text/html")
    return made


def unlinked(text: str) -> str:
    """Somebody else's words in a form that no mail program turns into a link."""
    return text.replace(".", ".\u2060").replace(":", ":\u2060").replace("@", "@\u2060")


def _deliver(message: EmailMultiAlternatives) -> None:
    try:
        message.send()
    except Exception as problem:
        # Backends raise what their libraries do; its text may hold the address, so it is not logged.
        logger.error("A mail could not be sent (%s): %s", message.subject, type(problem).__name__)
