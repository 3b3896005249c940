"""Mail servers that do not do what they should."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from threading import Event
from typing import NoReturn

from django.core.mail import EmailMessage
from django.core.mail.backends import locmem
from django.core.mail.backends.base import BaseEmailBackend

HERE = "tests.accounts.notifications.broken_mail"
WORKING = "django.core.mail.backends.locmem.EmailBackend"
UNAVAILABLE = f"{HERE}.Backend"
SLOW = f"{HERE}.SlowBackend"
REFUSING = f"{HERE}.RefusingBackend"
KILLING = f"{HERE}.KillingBackend"

# What a slow server waits for before it takes a mail.
released = Event()


class Backend(BaseEmailBackend):
    """No server answers."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")


class SlowBackend(locmem.EmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        released.wait(timeout=30)
        return super().send_messages(email_messages)


class RefusingBackend(locmem.EmailBackend):
    """Takes no mail for a recipient called "refused"."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for one in email_messages:
            if one.to[0].startswith("refused"):
                raise smtplib.SMTPRecipientsRefused({one.to[0]: (550, b"No such user here")})
        return super().send_messages(email_messages)


class Killed(BaseException):
    """No process handles its own kill."""


class KillingBackend(locmem.EmailBackend):
    """Takes the mail, and then the process is killed."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        super().send_messages(email_messages)
        raise Killed
