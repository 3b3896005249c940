"""Public ids: a prefix and 26 characters that stand for exactly one UUID."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import typeid

ONE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def test_a_known_typeid_is_written_and_read() -> None:
    assert typeid.encode("tok", ONE) == "tok_01h455vb4pex5vsknk084sn02q"
    assert typeid.decode("tok", "tok_01h455vb4pex5vsknk084sn02q") == ONE


@given(st.uuids())
def test_what_is_written_is_read_again(value: UUID) -> None:
    text = typeid.encode("org", value)
    assert len(text) == len("org_") + 26
    assert typeid.decode("org", text) == value


@given(st.uuids(), st.uuids())
def test_text_and_value_have_the_same_order(one: UUID, other: UUID) -> None:
    assert (one < other) == (typeid.encode("tok", one) < typeid.encode("tok", other))


@given(st.text())
def test_any_other_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a tok id"):
        typeid.decode("tok", text)


@pytest.mark.parametrize(
    "text",
    [
        "org_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        "tok_tok_01h455vb4pex5vsknk084sn02q",
        "tok_01H455VB4PEX5VSKNK084SN02Q",
        "tok_01h455vb4pex5vsknk084sn02",
        "tok_01h455vb4pex5vsknk084sn02q0",
        "tok_01h455vb4pex5vsknk084sn02q\n",
        "tok_01h455vb4pex5vsknk084sn02i",
        "tok_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "tok_٠1h455vb4pex5vsknk084sn02q",
        str(ONE),
    ],
)
def test_a_near_miss_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a tok id"):
        typeid.decode("tok", text)


def test_the_greatest_uuid_fits_and_the_next_number_does_not() -> None:
    assert typeid.decode("tok", "tok_7zzzzzzzzzzzzzzzzzzzzzzzzz").int == 2**128 - 1


def test_new_ids_are_version_seven_and_ascend() -> None:
    made = [typeid.new() for _ in range(1_000)]
    assert {value.version for value in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == 1_000
    assert type(made[0]) is UUID
