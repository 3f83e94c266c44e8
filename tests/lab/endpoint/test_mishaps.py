"""A fault of the lab itself behind the endpoint: the end of one command, in plain words."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from tests.support.remote import Remote, remote

from hvctl.errors import OutcomeUnknownError, UnreachableError
from hvctl.lab.endpoint.mishaps import tell
from hvctl.lab.engine import LabEngine
from hvctl.powershell.protocol import Request

pytestmark = pytest.mark.lab

WORDS = "the lab's engine on hv01 failed: ZeroDivisionError: one two"


class Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.lines.append(self.format(record))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What the lab logs and somebody who keeps no log sees on stderr."""
    handler, logger = Heard(), logging.getLogger("hvctl.lab.endpoint")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def served(tmp_path) -> Iterator[Remote]:
    with remote(tmp_path, "basic") as made:
        yield made


@pytest.fixture
def broken(monkeypatch) -> None:
    """An engine that fails where it takes a request."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setattr(LabEngine, "_receive_run", fail)


@pytest.mark.usefixtures("broken")
def test_a_read_that_breaks_the_engine_ends_in_its_words(served, heard):
    with served.connect() as host, pytest.raises(UnreachableError) as caught:
        host.vms.list()
    assert f"exit code 1: {WORDS}" in caught.value.message
    assert set(heard.lines) == {WORDS}


_TAKES = LabEngine._receive_run


def _fail_at_a_change(engine: LabEngine, request: Request) -> None:
    if any(step["cmdlet"] == "New-VMSwitch" for step in request["steps"]):
        raise ZeroDivisionError("division by zero")
    _TAKES(engine, request)


@pytest.mark.usefixtures("broken")
def test_a_change_that_breaks_the_engine_is_declared_unknown(served, heard, monkeypatch):
    with served.connect() as host:
        with pytest.raises(UnreachableError):
            host.vms.list()
        monkeypatch.undo()
        assert host.vms.list() == []
        with monkeypatch.context() as patch:
            patch.setattr(LabEngine, "_receive_run", _fail_at_a_change)
            with pytest.raises(OutcomeUnknownError, match="exit code 1: the lab's engine on hv01 failed"):
                host.switches.create("lan")
        assert host.switches.list() == []
    assert len(heard.lines) >= 2
    assert not any("Traceback" in line for line in heard.lines)


def test_where_it_failed_is_for_who_looks_for_it(caplog):
    logger = logging.getLogger("hvctl.lab.endpoint.mishaps")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.DEBUG, logger.name):
            assert tell("it", ValueError("no\n  way")) == "it failed: ValueError: no way"
    finally:
        logger.removeHandler(caplog.handler)
    assert [record.levelname for record in caplog.records if record.exc_info] == ["DEBUG"] * (len(caplog.records) // 2)
