"""The log file: it rotates, holds no secret, and has a line a changing command."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from hvctl.config import home
from hvctl.errors import UsageError

_LARGEST = 1 << 20
"""Bytes after which the log is renamed and a new one begun; three old ones are kept."""


def open_log(path: Path | None, *, verbose: bool) -> logging.Logger:
    """The logger that writes to `path`, or to this user's log.

    Raises:
        UsageError: The file that was asked for cannot be written.
    """
    logger = logging.getLogger("hvctl")
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    try:
        logger.addHandler(_handler(path or home().log_file))
    except OSError as error:
        if path is not None:
            raise UsageError(f"The log {path} cannot be written: {error.strerror}.") from error
        logger.addHandler(logging.NullHandler())
    return logger


def _handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=_LARGEST, backupCount=3, encoding="ascii", errors="backslashreplace")
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler
