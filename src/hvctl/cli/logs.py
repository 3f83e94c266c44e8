"""The log file: it rotates, holds no secret, and has a line a changing command."""

from __future__ import annotations

import contextlib
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


class _Quiet(RotatingFileHandler):
    """Loses a line rather than the command: nothing is said of a disk that is full or a file that is held."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: only errors of the command go to stderr."""

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        """Begin a new file; where another process holds the old one, go on in it."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def close(self) -> None:
        """Close the file; what cannot be written any more is dropped."""
        with contextlib.suppress(OSError):
            super().close()


def _handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _Quiet(path, maxBytes=_LARGEST, backupCount=3, encoding="ascii", errors="backslashreplace")
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    return handler
