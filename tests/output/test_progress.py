from __future__ import annotations

import io
import re
import time

import pytest

from hvctl.output.progress import Progress
from hvctl.powershell.protocol import Frame

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def frame(**fields: object) -> Frame:
    return Frame("progress", "1", 1, {"step": "vm", "activity": "Moving", "status": "", "percent": None, **fields})


def drawn(stream: io.StringIO) -> str:
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", stream.getvalue())


def wait_for(stream: io.StringIO, text: str) -> None:
    end = time.monotonic() + 20
    while text not in drawn(stream):
        assert time.monotonic() < end, drawn(stream)
        time.sleep(0.01)


def test_what_is_over_before_the_delay_is_not_drawn() -> None:
    stream = Terminal()
    progress = Progress(stream, delay=3600)
    progress.show(frame(percent=10))
    progress.close()
    progress.close()
    progress.show(frame(percent=20))
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("stream", "environment"), [(io.StringIO(), {}), (Terminal(), {"TERM": "dumb"})], ids=["pipe", "dumb terminal"]
)
def test_nothing_is_drawn_where_nothing_can_be_wiped(stream: io.StringIO, environment: dict[str, str]) -> None:
    progress = Progress(stream, delay=0, environment=environment)
    progress.show(frame(percent=10))
    progress.close()
    assert stream.getvalue() == ""


def test_the_last_word_of_each_activity_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    progress = Progress(stream, delay=0.05, environment={})
    progress.show(frame(percent=1))
    progress.show(frame(percent=42, status="Copying [bold]\x1b]0;x\x07", seconds_left=90))
    progress.show(frame(activity="Merging", status="disk 1"))
    wait_for(stream, "Merging: disk 1")
    wait_for(stream, r"Moving: Copying [bold]\x1b]0;x\x07 (00:01:30 left)")
    assert " 42%" in drawn(stream)
    progress.show(frame(activity="Merging", status="disk 2"))
    wait_for(stream, "Merging: disk 2")
    progress.close()
    written = len(stream.getvalue())
    progress.show(frame(activity="Merging", status="disk 3"))
    assert len(stream.getvalue()) == written
    assert "\x1b]0" not in stream.getvalue()


def test_what_is_complete_is_drawn_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    stream = Terminal()
    progress = Progress(stream, delay=0, environment={"NO_COLOR": "1"})
    progress.show(frame(activity="Moving", percent=100))
    progress.show(frame(activity="Merging"))
    wait_for(stream, "Merging")
    progress.close()
    assert "Moving" not in drawn(stream).rpartition("Merging")[0].rpartition("\r")[2]
