"""The JSON of signing up, and of links that are asked for and answered by mail."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.drf.fields import Email, Name, Secret, StrictSerializer

LONGEST_SECRET = 100


class SignUp(StrictSerializer):
    email = Email()
    password = Secret(
        help_text="At least 12 characters and at most 1,024, not a common one, nor made of names used here."
    )
    name = Name(max_length=100)
    organization_name = Name(
        max_length=100,
        required=False,
        help_text="Of the organization that is founded; without it a name is made up.",
    )
    invitation = Secret(
        max_length=LONGEST_SECRET,
        required=False,
        help_text="The last part of an invitation's link: the address counts as confirmed.",
    )


class EmailAsked(StrictSerializer):
    email = Email()


class Accepted(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["accepted"])
    detail = serializers.CharField(help_text="For people; the same whether what was sent exists or not.")


class PasswordReset(StrictSerializer):
    token = Secret(max_length=LONGEST_SECRET, help_text="The last part of the mailed link.")
    password = Secret()
