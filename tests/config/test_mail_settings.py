"""EMAIL_URL: a path in it is the one that is meant, wherever the server was started."""

from __future__ import annotations

import pytest

from config.mail_settings import mail_settings


@pytest.mark.parametrize("url", ["filemail:///var/mail/tessera", "filemail:////var/mail/tessera"])
def test_a_folder_for_mails_lies_where_the_url_says(url: str) -> None:
    found = mail_settings(url)
    assert found["EMAIL_FILE_PATH"] == "/var/mail/tessera"
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"


def test_a_server_is_named_with_its_credentials() -> None:
    found = mail_settings("smtp+tls://postman:secret@mail.example.com:587")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == (
        "mail.example.com",
        587,
        True,
    )
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("postman", "secret")


def test_the_console_needs_no_more() -> None:
    assert mail_settings("consolemail://")["EMAIL_BACKEND"].endswith("console.EmailBackend")
