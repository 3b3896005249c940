"""Environment variables: types, the sentences for values that cannot be used, and the table of all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.environment import Env

ROOT = Path(__file__).resolve().parents[2]
# Of the system, of Python's libraries, and of `manage.py bootstrap`, which documents its own.
OTHERS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "TMPDIR"}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The reader of an environment that holds only what the test puts into ``ENVIRON``."""
    reader = Env()
    monkeypatch.setattr(reader, "ENVIRON", {})
    return reader


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        ("int", "many", "X must be a whole number."),
        ("int", "1.5", "X must be a whole number."),
        ("float", "soon", "X must be a number."),
        ("bool", "ja", "X must be True or False."),
    ],
)
def test_an_unusable_value_is_refused_with_a_sentence(env: Any, read: str, value: str, sentence: str) -> None:
    env.ENVIRON["X"] = value
    with pytest.raises(ImproperlyConfigured, match=f"^{sentence}$"):
        getattr(env, read)("X", default=None)


@pytest.mark.parametrize(("read", "default"), [("int", 8000), ("float", 1.5), ("bool", True)])
def test_an_empty_number_or_switch_has_its_default(env: Any, read: str, default: Any) -> None:
    env.ENVIRON["X"] = ""
    assert getattr(env, read)("X", default=default) == default


@pytest.mark.parametrize("url", ["filemail:///var/mail/tessera", "filemail:////var/mail/tessera"])
def test_a_folder_for_emails_is_absolute(env: Any, url: str) -> None:
    env.ENVIRON["EMAIL_URL"] = url
    found = env.email("EMAIL_URL")
    assert found["EMAIL_FILE_PATH"] == "/var/mail/tessera"
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"


def test_a_mail_server_has_its_credentials(env: Any) -> None:
    found = env.email("EMAIL_URL", default="smtp+tls://postman:secret@mail.example.com:587")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == (
        "mail.example.com",
        587,
        True,
    )
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("postman", "secret")


def test_the_documentation_has_the_table_of_all_variables() -> None:
    text = (ROOT / "config" / "README.md").read_text()
    documented = text.partition("<!-- environment -->\n")[2].partition("\n<!-- /environment -->")[0]
    assert documented == environment.table(), "python -m config.environment prints the table"


def test_no_variable_is_read_beside_the_table() -> None:
    reads = re.compile(r"(?:environ\W|env\.|getenv\()[^#\n]*?(?:\(\n *)?\"([A-Z_]{4,})\"")
    apps = ("accounts", "config", "ratelimit", "tokens")
    read = {
        name
        for app in apps
        for file in (ROOT / app).rglob("*.py")
        for name in reads.findall(file.read_text())
    }
    table = {one.name for one in environment.variables()}
    assert read - OTHERS == table
    assert {"PORT", "LOG_FORMAT", "DRAIN_SECONDS"} <= table
