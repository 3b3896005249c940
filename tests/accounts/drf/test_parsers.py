"""What a JSON body may be; everything else is refused with a sentence, never with a 500."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from accounts.drf.parsers import MAX_DEPTH, MAX_INTEGER, read_object
from tests.support.wsgi import ask

pytestmark = pytest.mark.urls("tests.config.edge_urls")

REFUSED = {
    "The body must be UTF-8.": [b'{"a":"\xff\xfe"}', '{"a": 1}'.encode("utf-16"), b'{"a":"\xed\xa0\x80"}'],
    "The body must be a JSON object.": [b"[]", b'"text"', b"null", b"1", b"[" * 500 + b"]" * 500],
    f"The body is nested more than {MAX_DEPTH} levels deep.": [
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100_000,
        b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    ],
    "The body has the same key twice in one object.": [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":[{"b":1,"b":2}]}',
    ],
    "NaN is not a JSON number.": [b'{"a":NaN}'],
    "Infinity is not a JSON number.": [b'{"a":Infinity}'],
    "-Infinity is not a JSON number.": [b'{"a":[-Infinity]}'],
    "The body has a number that is too large.": [b'{"a":1e999}', b'{"a":-1.0E400}'],
    "The body has an integer that does not fit 64 bits.": [
        b'{"a":%s}' % (b"9" * 5_000),
        b'{"a":-%s}' % (b"9" * 20),
        b'{"a":9223372036854775808}',
    ],
    "The body has a NUL character, which no text may hold.": [
        b'{"a":"\\u0000"}',
        b'{"a\\u0000":1}',
        b'{"a":[{"b":"x\\u0000"}]}',
    ],
    "The body has half of a surrogate pair, which no text may hold.": [
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ude00\\ud83d"]}',
    ],
    "The body is not valid JSON: line 1, column 1.": [b"x", b"}", b"\xef\xbb\xbf{}"],
}
CASES = [(sentence, body) for sentence, bodies in REFUSED.items() for body in bodies]


@pytest.mark.parametrize(("sentence", "body"), CASES, ids=[f"{s[:40]}-{b[:12]!r}" for s, b in CASES])
def test_a_body_that_is_not_plain_json_is_refused_with_its_reason(
    client: Client, sentence: str, body: bytes
) -> None:
    response = client.post("/api/echo", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == {"error": "Invalid request", "code": "invalid_request", "detail": sentence}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": [None, True, 1.5, -MAX_INTEGER, MAX_INTEGER, ""]},
        {"name": "Zoë 😀 \t\n", "😀": {"a": {"a": 1}}},
    ],
)
def test_plain_json_arrives_as_it_was_sent(client: Client, value: dict[str, Any]) -> None:
    for ascii_only in (True, False):
        body = json.dumps(value, ensure_ascii=ascii_only).encode()
        response = client.post("/api/echo", body, content_type="application/json")
        assert response.json() == {"data": value}


def test_the_deepest_allowed_body_is_read() -> None:
    lists = MAX_DEPTH - 1
    assert read_object(b'{"a":' + b"[" * lists + b'"x"' + b"]" * lists + b"}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "us-ascii", '"utf-8"'])
def test_utf_8_may_be_named(client: Client, charset: str) -> None:
    response = client.post("/api/echo", b'{"a":1}', content_type=f"application/json; charset={charset}")
    assert response.status_code == 200


@pytest.mark.parametrize(
    "charset", ["utf-16", "latin-1", "bogus", "hex", "undefined", "é", "a/../b", "x" * 200]
)
@pytest.mark.parametrize("query", ["", "?a=%41&b=1"])
def test_another_charset_is_refused(charset: str, query: str) -> None:
    answer = ask("POST", f"/api/echo{query}", b"{}", {"CONTENT_TYPE": f"application/json; charset={charset}"})
    assert answer.status == 400
    assert answer.json()["detail"] == "The body must be UTF-8."


@pytest.mark.parametrize(
    "parameter",
    [
        "x*=bogus''%41",
        "x*0*=undefined''%41",
        "x*=a''b; x*0=c",
        f"x*{'9' * 5_000}*=utf-8''a",
        "charset*=idna''%ff",
    ],
)
def test_a_content_type_that_cannot_be_read_counts_as_none(parameter: str) -> None:
    answer = ask("POST", "/api/echo", b"{}", {"CONTENT_TYPE": f"application/json; {parameter}"})
    assert answer.status == 415
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/html",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
        "/",
        "a" * 300,
    ],
)
def test_another_type_of_body_is_a_415(client: Client, media_type: str) -> None:
    response = client.post("/api/echo", b'{"a":1}', content_type=media_type)
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("length", [product.DATA_UPLOAD_MAX_MEMORY_SIZE + 1, 10_000_000])
def test_a_body_over_the_limit_is_a_413(client: Client, length: int) -> None:
    response = client.post("/api/echo", b" " * length, content_type="application/json")
    assert response.status_code == 413
    assert response.json() == {"error": "The body is larger than 1 MB", "code": "payload_too_large"}


def test_a_body_of_exactly_the_limit_is_read(client: Client) -> None:
    body = b'{"a":1}'.ljust(product.DATA_UPLOAD_MAX_MEMORY_SIZE)
    assert client.post("/api/echo", body, content_type="application/json").status_code == 200


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=5,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), json_like, max_size=3))
def test_whatever_python_can_write_is_read_alike_or_refused(value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    with suppress(ParseError):
        assert read_object(body) == value


@given(st.binary() | st.text('{}[]:,"\\u0dDeE+-9. tfn\0é').map(str.encode))
def test_no_bytes_at_all_raise_anything_but_a_parse_error(body: bytes) -> None:
    with suppress(ParseError):
        assert isinstance(read_object(body), dict)
