"""gunicorn's own lines in the form of all others."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger

from config.logging import formatter

# gunicorn appends what the client sent to these messages, which may contain secrets.
INVALID, FAILED = "Invalid request from ", "Error handling request"


class LineLogger(Logger):  # type: ignore[misc]
    def _set_handler(
        self, log: logging.Logger, output: str | None, fmt: logging.Formatter, stream: Any = None
    ) -> None:
        super()._set_handler(log, output, formatter.formatter(), stream)

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        if str(msg).startswith(INVALID):
            msg = str(msg).partition(": ")[0]
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        if str(msg).startswith(FAILED):
            msg, args = FAILED, ()
        super().exception(msg, *args, **kwargs)
