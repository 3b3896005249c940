"""Environment variables: the reader of their values, and the table of all that Tessera reads."""

from __future__ import annotations

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

NUMBERS = {int: "a whole number", float: "a number"}
SWITCHES = {"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0"}


class Env(environ.Env):  # type: ignore[misc]
    """django-environ, except that an unusable value stops the start with a sentence.

    An empty number or switch counts as unset, because orchestrators pass unset variables as "".
    """

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        """Return the variable's value; raises ImproperlyConfigured."""
        text = self.ENVIRON.get(var, "")
        if cast in (int, float, bool) and not text:
            return default
        if cast is bool and text.lower() not in SWITCHES:
            raise ImproperlyConfigured(f"{var} must be True or False.")
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {NUMBERS.get(cast, 'a URL')}.") from None

    @classmethod
    def email_url_config(cls, url: Any, backend: str | None = None) -> dict[str, Any]:
        """Return Django's EMAIL_ settings for the URL."""
        found: dict[str, Any] = super().email_url_config(url, backend)
        if path := found.get("EMAIL_FILE_PATH"):
            # django-environ drops the first slash, which would make the path relative.
            found["EMAIL_FILE_PATH"] = "/" + path.lstrip("/")
        return found
