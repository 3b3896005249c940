"""Hand one mail to the mail server. No other module imports Django's mail."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.notifications.email import Email
from accounts.validation import addresses


class SendError(Exception):
    """Why a mail was not sent, in a sentence for staff: the server's own words may hold the address."""


class MailRefused(SendError):
    """The server refused this mail; it may take others."""


class MailServerUnavailable(SendError):
    """No mail can be sent now."""


def send(email: Email, to: str) -> None:
    """Raises MailRefused and MailServerUnavailable."""
    try:
        message(email, to).send()
    except smtplib.SMTPRecipientsRefused as problem:
        codes = ", ".join(sorted({str(code) for code, _ in problem.recipients.values()}))
        raise MailRefused(f"The mail server refused the recipient ({codes}).") from problem
    except smtplib.SMTPSenderRefused as problem:
        sentence = f"The mail server refused our own address ({problem.smtp_code}): check DEFAULT_FROM_EMAIL."
        raise MailRefused(sentence) from problem
    except smtplib.SMTPDataError as problem:
        raise MailRefused(f"The mail server refused the mail ({problem.smtp_code}).") from problem
    except ValueError as problem:
        raise MailRefused(f"The mail could not be written ({type(problem).__name__}).") from problem
    except Exception as problem:
        # Backends raise what their libraries do.
        raise MailServerUnavailable(_sentence(problem)) from problem


def message(email: Email, to: str) -> EmailMultiAlternatives:
    """The mail in text and HTML."""
    context = {"email": email, "to": addresses.shown(to), "base_url": settings.BASE_URL}
    made = EmailMultiAlternatives(
        subject=email.subject,
        body=render_to_string("emails/message.txt", context),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    made.attach_alternative(render_to_string("emails/message.html", context), "text/html")
    return made


def _sentence(problem: Exception) -> str:
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return "The mail server refused our user name or password: check EMAIL_URL."
    if isinstance(problem, TimeoutError):
        return "The mail server did not answer in time."
    if isinstance(problem, smtplib.SMTPServerDisconnected):
        # smtplib raises it for a time-out as well.
        return "The mail server did not answer in time, or closed the connection."
    if isinstance(problem, OSError) and not isinstance(problem, smtplib.SMTPException):
        return f"The mail server could not be reached ({type(problem).__name__})."
    return f"The mail server failed ({type(problem).__name__})."
