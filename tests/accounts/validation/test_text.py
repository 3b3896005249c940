"""Names that look the same are the same where they must be unique, and a name that looks blank is none."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from accounts.errors import APIError
from accounts.models import Membership
from accounts.resources import indexes
from accounts.validation.text import _IGNORABLE, name_key, validate_line, validate_name
from tests.support.people import actor, make_token
from tokens.models import ServiceAccountToken
from tokens.service_accounts.revoke import revoke
from tokens.service_accounts.update import update

NAME = "Déploy ﬁle"
ALIKE = (
    "de\u0301ploy file",
    "DÉPLOY FILE",
    "  déploy \u3000 ﬁle ",
    "Ｄéploy\u00a0file",
    "Dé\u034fploy\u3164 fi\ufe0fle\U000e0100",
    "déploy\u2800file",
)
OTHERS = ("Deploy file", "Déployfile", "Déploy file 2", "Dеploy file")
CODES = (
    0x3164,
    0x2800,
    0x115F,
    0x1160,
    0xFFA0,
    0x34F,
    0xFE0F,
    0xE0100,
    0xA0,
    0x3000,
    0x200D,
    0x1D159,
    0x17B4,
    0x180B,
)
BLANK = tuple(map(chr, CODES))


@pytest.mark.parametrize("name", ALIKE)
def test_names_that_look_the_same_have_one_key(name: str) -> None:
    assert name_key(name) == name_key(NAME)


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_have_other_keys(name: str) -> None:
    assert name_key(name) != name_key(NAME)


def test_a_key_is_its_own_key() -> None:
    for code in (code for code in range(sys.maxunicode) if not 0xD800 <= code < 0xE000):
        key = name_key(f"a{chr(code)}b")
        assert name_key(key) == key, hex(code)


@pytest.mark.parametrize("name", [*BLANK, "".join(BLANK), "\ufe0f \u3164"])
def test_a_name_that_looks_blank_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize(
    "name", ["❤\ufe0f", "한\u3164글", "می\u200cخواهم", "👩\u200d💻", "क्\u200d", "-", "é", "E\u0301"]
)
def test_ignorable_characters_beside_visible_ones_are_taken(name: str) -> None:
    validate_name(name)


def test_the_table_agrees_with_what_python_knows_of_the_property() -> None:
    """By its derivation (DerivedCoreProperties.txt): formats but for these, and all variation selectors."""
    exceptions = {0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD, *range(0x600, 0x606), *range(0x890, 0x892)}
    exceptions |= {*range(0xFFF9, 0xFFFC), *range(0x13430, 0x13440)}
    for code in range(sys.maxunicode + 1):
        name = unicodedata.name(chr(code), "")
        expected = unicodedata.category(chr(code)) == "Cf" and code not in exceptions
        expected |= "VARIATION SELECTOR" in name or name.endswith("HANGUL FILLER")
        if expected:
            assert code in _IGNORABLE, hex(code)
        if code in _IGNORABLE and not expected:
            assert unicodedata.category(chr(code)) in ("Cn", "Lo", "Mn"), hex(code)


def test_no_visible_character_is_called_blank() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] in "LNPS" and code not in _IGNORABLE | {0x2800, 0x1D159}:
            validate_line(chr(code))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ALIKE)
def test_active_tokens_of_an_organization_look_different(owner: Membership, name: str) -> None:
    first, other = make_token(owner, NAME), make_token(owner, "Other")
    with pytest.raises(APIError):
        make_token(owner, name)
    with pytest.raises(APIError):
        update(token=other.token, actor=actor(owner), name=name)
    assert update(token=first.token, actor=actor(owner), name=name).name == name
    revoke(token=first.token, actor=actor(owner))
    assert update(token=other.token, actor=actor(owner), name=NAME).name == NAME


@pytest.mark.django_db
@pytest.mark.parametrize("name", ALIKE)
def test_indexes_of_an_organization_look_different(owner: Membership, name: str) -> None:
    organization_id = owner.organization_id
    first = indexes.create(organization_id=organization_id, name=NAME)
    other = indexes.create(organization_id=organization_id, name="Other")
    with pytest.raises(APIError):
        indexes.create(organization_id=organization_id, name=name)
    with pytest.raises(APIError):
        indexes.rename(index=other, name=name)
    assert indexes.rename(index=first, name=name).name == name


@pytest.mark.django_db
def test_bootstrap_finds_its_token_by_any_such_name(owner: Membership) -> None:
    wanted = {"email": owner.user.email, "organization": owner.organization.slug, "role": "owner"}
    for name in (NAME, *ALIKE):
        call_command("bootstrap", **wanted, token=name)
    assert ServiceAccountToken.objects.count() == 1
