"""The command line as a fixture: run in this process, on a world of its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.support.simulated import SimulatedHost

from hvctl.cli.app import main

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("hvctl", deadline=None)
settings.load_profile("hvctl")


def pytest_configure() -> None:
    """Let Ctrl-C and hang-ups be heard, here and in what tests start: background jobs may have them ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is signal.SIG_IGN:
        signal.signal(hang_up, signal.SIG_DFL)


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit code, and what it wrote."""

    words: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8")

    @property
    def err(self) -> str:
        """Standard error as text."""
        return self.stderr.decode("utf-8")

    @property
    def data(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """Standard error as the one JSON error that it must be."""
        told = json.loads(self.err)
        assert list(told) == ["error"]
        return told["error"]

    def __repr__(self) -> str:
        return f"hvctl {' '.join(self.words)} -> {self.code}\n{self.out}\n{self.err}"


class _Stream(TextIOWrapper):
    """A standard stream in memory that may claim to be a terminal."""

    def __init__(self, content: bytes = b"", *, terminal: bool = False, encoding: str = "utf-8") -> None:
        self.binary = BytesIO(content)
        self.terminal = terminal
        super().__init__(self.binary, encoding=encoding, newline="", write_through=True)

    def isatty(self) -> bool:
        return self.terminal


class Hvctl:
    """Runs command lines, all of them on the same home and the same world."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._monkeypatch = monkeypatch

    def __call__(
        self,
        *words: str,
        stdin: str | bytes = b"",
        terminal: bool = False,
        wide: int | None = None,
        env: dict[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> Finished:
        """Run one command line.

        Args:
            words: The command line, without `hvctl`.
            stdin: What standard input holds.
            terminal: Whether somebody sits there to be asked: standard input and error are a terminal.
            wide: The columns of the terminal that standard output is; None where it is none.
            env: Environment variables besides those of the fixture.
            encoding: What standard error can show.
        """
        content = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = _Stream(terminal=wide is not None), _Stream(terminal=terminal, encoding=encoding)
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", _Stream(content, terminal=terminal))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for name, value in ({"COLUMNS": str(wide or 80)} | (env or {})).items():
                patch.setenv(name, value)
            try:
                code = main(list(words))
            finally:
                _close_logs()
        finished = Finished(words, code, out.binary.getvalue(), err.binary.getvalue())
        assert "Traceback" not in finished.err or (env or {}).get("HVCTL_DEBUG"), finished
        assert "failed internally" not in finished.err, finished
        return finished

    def ok(self, *words: str, **options: Any) -> Finished:
        """Run one command line that must end in 0."""
        finished = self(*words, **options)
        assert finished.code == 0, finished
        return finished

    def json(self, *words: str, **options: Any) -> Any:
        """What one command line that must end in 0 writes as JSON."""
        end = words.index("--") if "--" in words else len(words)
        return self.ok(*words[:end], "-o", "json", *words[end:], **options).data

    def like(self, name: str, build: Callable[[Hvctl], None]) -> None:
        """Give this home the lab that `build` makes; it is made once a test run, and copied."""
        template = self.home.parent.parent / f"template-{name}"
        if not template.exists():
            build(self)
            shutil.copytree(self.home / "lab", template)
            shutil.rmtree(self.home / "log", ignore_errors=True)
        else:
            shutil.copytree(template, self.home / "lab")

    @property
    def world_file(self) -> Path:
        """Where the world lies."""
        return self.home / "lab" / "world.db"

    @property
    def host(self) -> SimulatedHost:
        """The world's first host, for what no command does."""
        return SimulatedHost(self.world_file)

    def state(self, name: str) -> str:
        """The state of a machine."""
        return str(self.json("vm", "show", name)["state"])

    @property
    def log(self) -> str:
        """What the log holds."""
        path = self.home / "log" / "hvctl.log"
        return path.read_text(encoding="ascii") if path.exists() else ""


def _close_logs() -> None:
    logger = logging.getLogger("hvctl")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def hvctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hvctl:
    """The command line, on a fresh lab."""
    for name in list(os.environ):
        if (name.startswith("HVCTL_") and name != "HVCTL_TEST_PWSH") or name in ("NO_COLOR", "TERM"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HVCTL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HVCTL_HOST", "lab")
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
    return Hvctl(tmp_path / "home", monkeypatch)


@pytest.fixture
def no_change(hvctl: Hvctl) -> Callable[[], Iterator[None]]:
    """A context in which nothing in the world may change."""
    from contextlib import contextmanager

    from tests.support.worlds import everything

    @contextmanager
    def watch() -> Iterator[None]:
        before = everything(hvctl.world_file)
        yield
        assert everything(hvctl.world_file) == before

    return watch
