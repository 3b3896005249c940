"""Forms of the public pages, and of a user's own password and address."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, SetPasswordForm
from allauth.core import context
from django import forms
from django.core.exceptions import BadRequest, ValidationError

from accounts.authentication import throttling
from accounts.models import User
from accounts.validation import addresses
from accounts.validation.text import validate_address, validate_name


class EmailForm(forms.Form):
    """A single address in its stored form; a list of two would be ambiguous."""

    email = forms.EmailField(
        max_length=254,
        validators=[validate_address],
        error_messages={"required": "Enter your e-mail address."},
    )

    def clean_email(self) -> str:
        if hasattr(self.data, "getlist") and len(self.data.getlist("email")) > 1:
            raise BadRequest("Give one e-mail address.")
        return addresses.cleaned(self.cleaned_data["email"])


class SignInForm(LoginForm):  # type: ignore[misc]
    """Accept an address in any spelling; allauth compares its stored form."""

    def clean_login(self) -> str:
        return User.objects.spelling_of(super().clean_login())


class ProfileForm(forms.Form):
    name = forms.CharField(
        max_length=100, validators=[validate_name], error_messages={"required": "Enter your name."}
    )


class SignUpForm(ProfileForm, EmailForm):
    password = forms.CharField(strip=False, error_messages={"required": "Choose a password."})
    organization = forms.CharField(max_length=100, validators=[validate_name], required=False)


class NewPasswordForm(forms.Form):
    password = forms.CharField(strip=False, error_messages={"required": "Choose a password."})


class AskedOnce:
    """Ask for a new password once: it can be shown, and a mistyped one can be reset by mail."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]


class FirstPasswordForm(AskedOnce, SetPasswordForm):  # type: ignore[misc]
    """For a user without a password so far."""


class LimitedChangePasswordForm(AskedOnce, ChangePasswordForm):  # type: ignore[misc]
    """A wrong current password counts as a failed sign-in."""

    def clean_oldpassword(self) -> str:
        reservation = throttling.reserve(self.user.email, context.request)
        old: str = super().clean_oldpassword()
        throttling.refund(reservation)
        return old


class NewAddressForm(EmailForm):
    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = super().clean_email()
        if email == addresses.normalized(self.user.email):
            raise ValidationError("This is your address already.")
        return email
