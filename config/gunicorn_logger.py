"""gunicorn's own lines in the form of all others."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger

from config import log_lines


class LineLogger(Logger):  # type: ignore[misc]
    def _set_handler(
        self, log: logging.Logger, output: str | None, fmt: logging.Formatter, stream: Any = None
    ) -> None:
        super()._set_handler(log, output, log_lines.formatter(), stream)
