"""Emails of the account flows. A mail to an unverified address contains no text written by another user."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts import dates
from accounts.audit import request_context
from accounts.notifications.email import Email

NOT_YOU = "If it was not you, you can ignore this mail: nothing changes without the link."
SECURE_IT = (
    "If it was not you, another person has had access to your account: reset your password now, and look "
    "through Settings, Security."
)


def sign_up(link: str) -> Email:
    return Email(
        "Confirm your e-mail address",
        (
            "This address was given to sign up to Tessera. The link opens the account.",
            "In another browser than the one that signed up, you choose a new password there.",
        ),
        link,
        "Confirm this address",
        (f"The link works once and for {_hours(settings.VERIFICATION_SECONDS)}.", NOT_YOU),
    )


def verify(link: str) -> Email:
    return Email(
        "Confirm your e-mail address",
        ("Your Tessera account was signed in to, and its address is not confirmed yet.",),
        link,
        "Confirm this address",
        (f"The link works once and for {_hours(settings.VERIFICATION_SECONDS)}.", NOT_YOU),
    )


def move(link: str) -> Email:
    return Email(
        "Confirm your e-mail address",
        (
            "This address was given as the new address of a Tessera account.",
            "Open the link in a browser in which you are signed in to that account.",
        ),
        link,
        "Use this address",
        (f"The link works once and for {_hours(settings.VERIFICATION_SECONDS)}.", NOT_YOU),
    )


def already_registered(_unsent: str) -> Email:
    """The link is not mailed, and its claim is never used."""
    return Email(
        "You already have an account",
        (
            "A sign-up to Tessera was tried with this address, or an account was to be moved to it.",
            "It already belongs to an account, and nothing has been changed.",
            "If it was you, sign in with this address.",
        ),
        _page("account_login"),
        "Sign in",
        (f"If the password is forgotten, set a new one: {_page('account_reset_password')}",),
    )


def reset(link: str) -> Email:
    return Email(
        "Reset your password",
        ("A new password was requested for your Tessera account.",),
        link,
        "Choose a new password",
        (
            f"The link works once and for {_minutes(settings.PASSWORD_RESET_TIMEOUT)}.",
            "With the new password, all sessions of the account end.",
            NOT_YOU,
        ),
    )


def sign_in(link: str) -> Email:
    return Email(
        "Your link to sign in",
        ("A link to sign in to your Tessera account was requested.",),
        link,
        "Sign in to Tessera",
        (
            f"The link works once and for {_minutes(settings.MAGIC_LINK_SECONDS)}.",
            "Do not pass it on: it signs in as you, in any browser.",
            NOT_YOU,
        ),
    )


def no_account(_unsent: str) -> Email:
    """The link is not mailed, and its claim is never used."""
    return Email(
        "There is no account for this address",
        (
            "A sign-in to Tessera, or a new password, was requested with this address.",
            "No account that is in use has it. If it was you, you may have signed up with another address.",
        ),
        _page("account_signup"),
        "Sign up",
        ("If it was not you, you can ignore this mail.",),
    )


def wrong_codes(number: int) -> Email:
    return Email(
        "Wrong codes were entered for your account",
        (
            f"After your password or a mailed link was accepted, {number} wrong codes were entered.",
            f"The last one was entered {_when_and_where()}. None of them has opened your account.",
        ),
        _page("account_reset_password"),
        "Choose a new password",
        ("If it was not you, another person knows your password: choose a new one now.",),
    )


def password_changed() -> Email:
    return _notice(
        "Your password was changed",
        f"The password of your Tessera account was changed {_when_and_where()}. "
        "All other sessions have ended.",
    )


def password_set_by_staff() -> Email:
    return _by_staff(
        "Your password was changed by our staff",
        "Tessera's staff have changed the password of your account",
        "account_reset_password",
        "Choose a new password",
        "Whether you have asked for it or not: choose one that only you know.",
    )


def second_factor_reset() -> Email:
    return _by_staff(
        "Your second factor was reset by our staff",
        "Tessera's staff have removed the authenticator app, passkeys and recovery codes of your account",
        "mfa_index",
        "Set up a second factor",
        f"If you have not asked for it, set a new password now: {_page('account_reset_password')}",
    )


def email_changed(new: str) -> Email:
    return _notice(
        "Your e-mail address was changed",
        f"Your Tessera account was moved to {new} {_when_and_where()}. From now on you "
        "sign in with the new address, and mails go there.",
    )


# Security notices that allauth sends, by the names of its templates.
SECURITY_NOTICES = {
    "account/email/password_set": ("A password was set", "A password was set for your Tessera account"),
    "mfa/email/totp_activated": (
        "Your second factor is on",
        "An authenticator app was added to your Tessera account",
    ),
    "mfa/email/totp_deactivated": (
        "Your authenticator app was removed",
        "The authenticator app was removed from your Tessera account",
    ),
    "mfa/email/recovery_codes_generated": (
        "You have new recovery codes",
        "New recovery codes were made for your Tessera account. The old ones no longer work. It happened",
    ),
    "mfa/email/webauthn_added": ("A passkey was added", "A passkey was added to your Tessera account"),
    "mfa/email/webauthn_removed": (
        "A passkey was removed",
        "A passkey was removed from your Tessera account",
    ),
}


def security_notice(name: str) -> Email:
    """The notice of one of allauth's template names; an unknown name gets a general text."""
    unknown = (
        "Your security settings were changed",
        "The security settings of your Tessera account were changed",
    )
    subject, sentence = SECURITY_NOTICES.get(name, unknown)
    return _notice(subject, f"{sentence} {_when_and_where()}.")


def _notice(subject: str, sentence: str) -> Email:
    return Email(subject, (sentence,), _page("account_reset_password"), "Reset your password", (SECURE_IT,))


def _by_staff(subject: str, sentence: str, page: str, label: str, advice: str) -> Email:
    """A notice of an act of staff, without their IP address."""
    text = f"{sentence} on {dates.exactly(timezone.now())}. All your sessions have ended."
    return Email(subject, (text,), _page(page), label, (advice,))


def _page(name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name)}"


def _when_and_where() -> str:
    address = request_context.current().address
    place = f", from the address {address}" if address else ""
    return f"on {dates.exactly(timezone.now())}{place}"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} minutes"


def _hours(seconds: int) -> str:
    return f"{seconds // 3600} hours"
