"""The outermost layer: what it refuses by itself, and the headers that every answer carries."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client

from tests.support.wsgi import Answer, ask

pytestmark = pytest.mark.urls("tests.config.edge_urls")

LIMIT = product.DATA_UPLOAD_MAX_MEMORY_SIZE


class Chunks(io.BytesIO):
    """A body of unknown length, as gunicorn hands it over, which knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def ask_chunked(target: str, stream: io.BytesIO, **environ: Any) -> Answer:
    given = {
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": None,
        "CONTENT_TYPE": "application/json",
    }
    return ask("POST", target, environ=given | environ)


@pytest.mark.parametrize("given", ["a", "A-1._z", "x" * 64])
def test_a_sane_request_id_is_kept(client: Client, given: str) -> None:
    response = client.get("/api/echo", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert response.json() == {"id": given}


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "a,b", "a\n", "é", "<script>"])
def test_any_other_request_id_is_replaced(client: Client, given: str | None) -> None:
    made = client.get("/api/echo", headers={"X-Request-ID": given} if given is not None else {})
    assert re.fullmatch("[0-9a-f]{32}", made.headers["X-Request-ID"])


@pytest.mark.parametrize("target", ["/api/echo", "/api/echo?a=%00", "/api/nothing", "/api/raise/missing"])
def test_every_answer_of_the_api_is_kept_by_no_cache(client: Client, target: str) -> None:
    response = client.get(target)
    assert response.headers["Cache-Control"] == "no-store"
    assert {"Authorization", "Cookie"} <= set(response.headers["Vary"].split(", "))
    assert response.headers["X-Request-ID"]


def test_a_deliberate_cache_control_is_kept(client: Client) -> None:
    assert client.get("/api/plain/public").headers["Cache-Control"] == "public, max-age=300"


def test_vary_is_merged(client: Client) -> None:
    assert client.get("/api/plain/vary").headers["Vary"] == "Accept, Authorization, Cookie"


@pytest.mark.parametrize(
    "target", ["/api/a%00b", "/api/echo?a=%00", "/api/echo?%00=a", "/%00", "/page/form?%00"]
)
def test_a_nul_character_in_the_address_is_a_400(target: str) -> None:
    answer = ask("GET", target, environ={"PATH_INFO": target.partition("?")[0].replace("%00", "\0")})
    assert answer.status == 400
    is_json = target.startswith("/api/")
    assert answer.headers["Content-Type"].startswith("application/json" if is_json else "text/html")


def test_a_percent_sign_before_two_zeros_is_no_nul_character(client: Client) -> None:
    assert client.get("/api/echo?a=%2500").status_code == 200


def test_a_nul_character_in_a_quoted_cookie_is_a_400(client: Client) -> None:
    answer = ask("GET", "/page/personal", environ={"HTTP_COOKIE": 'sessionid="abcdefgh\\000"'})
    assert answer.status == 400


@pytest.mark.parametrize(
    "target", ["/api/echo?a=" + "x" * 4_096, "/api/" + "%41" * 1_400, "/page/" + "x" * 4_096]
)
def test_an_address_over_4_kb_is_a_414(target: str) -> None:
    answer = ask("GET", target)
    assert answer.status == 414
    assert b"The address is longer than 4 KB" in answer.body


@pytest.mark.parametrize("target", ["/api/echo", "/page/form"])
@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 5_000])
def test_a_longer_body_is_refused_before_it_is_read(target: str, length: str) -> None:
    stream = Chunks(b"x" * 100)
    answer = ask("POST", target, environ={"CONTENT_LENGTH": length, "wsgi.input": stream})
    assert answer.status == 413
    assert stream.taken == 0
    assert b"The body is larger than 1 MB" in answer.body


@pytest.mark.parametrize("length", ["abc", "-1", "+1", "1.0", "1e3", "0x1", " ", "²", "1,1"])
def test_a_content_length_that_is_no_number_is_a_400(length: str) -> None:
    answer = ask("POST", "/api/echo", b"{}", {"CONTENT_LENGTH": length, "CONTENT_TYPE": "application/json"})
    assert answer.status == 400
    assert answer.json()["detail"] == "The Content-Length header must be a number."


def test_a_chunked_body_is_read() -> None:
    answer = ask_chunked("/api/echo", Chunks(b'{"a": 1}'))
    assert answer.json() == {"data": {"a": 1}}


def test_a_chunked_body_without_end_is_read_up_to_the_limit() -> None:
    stream = Chunks(b" " * (LIMIT * 3))
    assert ask_chunked("/api/echo", stream).json()["code"] == "payload_too_large"
    assert stream.taken == LIMIT + 1


def test_a_broken_chunk_is_a_400() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise RuntimeError("Invalid chunk size: 'zz'")

    assert ask_chunked("/api/echo", Broken()).json()["detail"] == "The chunked body is malformed."


def test_a_chunked_body_where_no_bearer_is_asked_for_has_16_kb_at_most() -> None:
    for size, refused in ((16_384, False), (16_385, True)):
        answer = ask_chunked("/v1/auth/login", Chunks(b" " * size))
        assert (answer.status == 413) is refused


def test_a_server_that_cannot_end_a_chunked_body_asks_for_a_length() -> None:
    answer = ask_chunked("/api/echo", Chunks(b"{}"), **{"wsgi.input_terminated": None})
    assert answer.json()["detail"] == "Send the body with a Content-Length."


@pytest.mark.parametrize("debug", [False, True])
def test_a_connection_lost_in_the_body_is_a_400(settings: Any, debug: bool) -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    settings.DEBUG = debug
    environ = {"wsgi.input": Lost(), "CONTENT_LENGTH": "9", "CONTENT_TYPE": "application/json"}
    assert ask("POST", "/api/echo", environ=environ).status == 400


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "X" * 20, "CONNECT"])
@pytest.mark.parametrize("target", ["/api/echo", "/page/untouched", "/healthz"])
def test_another_method_is_a_405_which_names_the_allowed(method: str, target: str) -> None:
    answer = ask(method, target)
    assert answer.status == 405
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def test_forward_authentication_may_be_asked_about_any_method_but_trace() -> None:
    assert ask("PROPFIND", "/api/auth/verify").json()["code"] == "method_not_allowed"
    assert ask("PROPFIND", "/api/auth/verify").headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert ask("TRACE", "/api/auth/verify").status == 405


@pytest.mark.parametrize("query", ["a=1&a=2", "a=1&b=1&%61=1", "a&a"])
def test_a_repeated_parameter_is_refused_on_the_api(client: Client, query: str) -> None:
    response = client.get(f"/api/echo?{query}")
    assert response.status_code == 400
    assert response.json()["fields"] == {"a": ["Give this parameter once only."]}


@pytest.mark.parametrize(
    "target", ["/api/echo?a=1&b=1", "/api/auth/verify?require=a&require=b", "/page/untouched?a=1&a=2"]
)
def test_parameters_may_repeat_where_that_has_one_meaning(client: Client, target: str) -> None:
    assert client.get(target).status_code == 200


def test_a_thousand_parameters_are_refused() -> None:
    answer = ask(
        "POST", "/api/echo?" + "&".join(["a"] * 1_001), b"{}", {"CONTENT_TYPE": "a/b; charset=utf-8"}
    )
    assert answer.status == 400
    assert answer.json()["detail"] == "The query has too many parameters."


@pytest.mark.parametrize(
    "accept", ["a/b;x*=c''%41;x*0=c", "a/b, */*; x*0=1; x*=a''b", "a/b; x *= bogus''%41"]
)
@pytest.mark.parametrize("target", ["/api/echo", "/page/untouched"])
def test_an_accept_header_that_cannot_be_read_is_a_400(client: Client, accept: str, target: str) -> None:
    assert client.get(target, headers={"Accept": accept}).status_code == 400


@pytest.mark.parametrize("accept", ["text/html,application/xml;q=0.9,*/*;q=0.8", "*/*", "application/*; q=1"])
def test_the_accept_headers_of_real_clients_are_read(client: Client, accept: str) -> None:
    assert client.get("/api/echo", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::", "x" * 300, "é", "a@b", ""])
def test_another_host_is_a_400(host: str) -> None:
    answer = ask("GET", "/api/echo", environ={"HTTP_HOST": host, "SERVER_NAME": "evil.example"})
    assert answer.status == 400
    assert answer.json() == {"error": "Invalid request", "code": "invalid_request"}


def test_bytes_that_are_no_utf_8_in_the_address_are_never_a_500() -> None:
    for target in ("/api/\xff\xfe", "/\xff", "/page/\xed\xa0\x80"):
        assert ask("GET", target, environ={"PATH_INFO": target}).status == 404
    assert ask("GET", "/api/echo?a=%ff&%ed%a0%80=1").status == 200
