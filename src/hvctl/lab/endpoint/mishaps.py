"""Faults of the lab itself: told in one line, never as a traceback."""

from __future__ import annotations

import logging

_LOG = logging.getLogger(__name__)


def tell(what: str, error: Exception) -> str:
    """Log that something of the lab failed, and how; where nobody keeps a log, that is a line on stderr.

    Returns:
        The line.
    """
    words = " ".join(f"{what} failed: {type(error).__name__}: {error}".split())
    _LOG.error("%s", words)
    _LOG.debug("where it failed", exc_info=error)
    return words
