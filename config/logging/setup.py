"""Django's LOGGING: every logger through one handler to standard error, in the one form of a line."""

from __future__ import annotations

import logging
from typing import Any

from accounts.audit import request_context


class AboutRequest(logging.Filter):
    """Adds the request ID to a record and removes the path, because that of a mailed link is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_context.current().request_id
        path = getattr(getattr(record, "request", None), "path", None)
        if path and isinstance(record.args, tuple):
            record.args = tuple("(its path)" if argument == path else argument for argument in record.args)
        return True


def configuration(level: str, form: str) -> dict[str, Any]:
    """For ``dictConfig``; ``level`` is LOG_LEVEL and ``form`` json or console."""
    plain = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "config.logging.setup.AboutRequest"}},
        "formatters": {"line": {"()": "config.logging.formatter.formatter", "form": form}},
        "handlers": {
            "standard_error": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}
        },
        "root": {"handlers": ["standard_error"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time, in another form.
            "django": {**plain, "level": level},
            # A refused request has its line in the access log.
            "django.request": {**plain, "level": "ERROR"},
            # Its line would contain the Host header that a client sent.
            "django.security.DisallowedHost": {**plain, "level": "CRITICAL"},
            "django.server": {**plain, "level": "WARNING"},
            # Queries contain their parameters: session keys, digests, email addresses.
            "django.db.backends": {**plain, "level": "INFO"},
            "django.template": {**plain, "level": "INFO"},
        },
    }
