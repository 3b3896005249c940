"""Formatter of every log line, Django's and gunicorn's included, which masks secrets.

JSON for machines; at a terminal, a line for people. Django is not needed here, because gunicorn's arbiter
writes such lines as well.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_EVENT = 2_000
LONGEST_TRACEBACK = 8_000
HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"""
    (?<=://)[^\s/@'"]*:[^\s/'"]*(?=@)               # the password of a URL, with its user
  | (?i:\b(?:bearer|basic)\s+)[^\s'",]+             # an Authorization header
  | \beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?                # a JWT
  # 32 characters or more with a digit and a letter that no hexadecimal number has: random text.
  | (?<![\w-])(?=[A-Za-z_-]*\d)(?=[a-f\d_-]*[g-zA-Z])[\w-]{32,}
    """,
    re.VERBOSE | re.ASCII,
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_known: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Name texts that no line may hold, whatever they look like."""
    _known.update(secret for secret in secrets if len(secret) >= 8)


def wanted_form() -> str:
    """Return LOG_FORMAT; by default the console format for a terminal, and JSON otherwise."""
    return os.environ.get("LOG_FORMAT") or ("console" if sys.stderr.isatty() else "json")


def formatter(form: str | None = None) -> logging.Formatter:
    console = (form or wanted_form()) == "console"
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _request_id,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _bounded,
            _console if console else structlog.processors.JSONRenderer(serializer=json.dumps),
        ],
        keep_exc_info=False,
    )


def masked(text: str) -> str:
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    return _SECRETS.sub(HIDDEN, text)


def escaped(text: str) -> str:
    """For a terminal: nothing that moves the cursor, ends the line or turns the direction of writing."""
    return _CONTROLS.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def _request_id(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    record = event["_record"]
    if request_id := getattr(record, "request_id", ""):
        event["request_id"] = request_id
    return event


def _bounded(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Secrets masked first, so that no cut leaves half of one; a traceback says most at its end."""
    event["event"] = _cut(masked(str(event.get("event", ""))))
    if "exception" in event:
        event["exception"] = masked(event["exception"])[-LONGEST_TRACEBACK:]
    event.pop("stack", None)
    return event


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_EVENT else text[:LONGEST_EVENT] + "…"


def _console(logger: WrappedLogger, name: str, event: EventDict) -> str:
    parts: list[Any] = [event["timestamp"][11:19], event["level"].upper(), event["logger"]]
    line = " ".join((*parts, escaped(event["event"])))
    if traceback := event.get("exception"):
        line += "\n" + "\n".join(map(escaped, traceback.split("\n")))
    return line
