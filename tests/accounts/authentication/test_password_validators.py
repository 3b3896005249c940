"""Which passwords are taken, wherever one is chosen."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from tests.support.people import make_member, make_organization

SOMEBODY = {"email": "nora.kettle@example.com", "name": "Nora Kettle", "wanted_organization": "Blue Otters"}


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "password1234",
        "tessera-2026!",
        "TesseraTessera",
        "T e s s e r a 123",
        "Blue-Otters-2026",
        "otters-otters",
        "nora.kettle@example",
        "x" * 1025,
    ],
)
def test_guessable_ones_are_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(**SOMEBODY))


@pytest.mark.parametrize(
    "password",
    [
        "quiet otters dance",
        "my tessera is a long story",
        "aaaaaaaaaaab",
        "пароль из слов",
        "7" * 12 + "8" * 1012,
    ],
)
def test_long_ones_are_taken_without_rules_of_composition(password: str) -> None:
    validate_password(password, User(**SOMEBODY))


@pytest.mark.django_db
def test_the_name_of_an_organization_that_one_belongs_to_is_guessable() -> None:
    member = make_member(make_organization("Copper Lantern"))
    with pytest.raises(ValidationError):
        validate_password("CopperLantern1", member.user)
    validate_password("CopperLantern1", User(email="other@example.com"))
