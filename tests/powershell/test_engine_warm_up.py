"""The module is loaded while the first request is on its way, and a driver that fails ends the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.engine import Engine
from tests.support.pwsh import run_script

from hvctl.powershell.batch import Call, Step
from hvctl.powershell.bootstrap import engine_text

pytestmark = pytest.mark.powershell

GET = Step("s", Call("Get-VM", {"Name": ("one",)}), select=("Name",))

MODULE = """\
[System.IO.File]::AppendAllText('{file}', 'loaded')
[System.Threading.Thread]::Sleep({milliseconds})
{more}
function Get-VM {{ [CmdletBinding()] param([string[]]$Name) [pscustomobject]@{{ Name = $Name[0] }} }}
Export-ModuleMember -Function Get-VM
"""


@pytest.fixture
def load(fresh_engine: Callable[..., Engine], tmp_path: Path) -> Callable[..., Engine]:
    """An engine whose Hyper-V module takes a while to load and notes each time that it is loaded."""

    def start(seconds: float = 0.0, more: str = "") -> Engine:
        folder = tmp_path / "Hyper-V"
        folder.mkdir()
        text = MODULE.format(file=tmp_path / "loads", milliseconds=int(seconds * 1000), more=more)
        (folder / "Hyper-V.psm1").write_text(text, encoding="utf-8-sig")
        return fresh_engine(PSModulePath=str(tmp_path))

    return start


def test_the_first_batch_waits_for_the_module_and_loads_it_no_second_time(load, tmp_path):
    engine = load(3)
    assert engine.run(GET).values("s", "Name") == ["one"]
    assert (tmp_path / "loads").read_text("utf-8") == "loaded"


def test_cancel_while_the_module_loads(load, tmp_path):
    engine = load(10)
    request_id = engine.start(GET)
    began = time.monotonic()
    engine.send(engine.protocol.simple("cancel", request_id))
    assert engine.answer(request_id).errors == [(None, "Hvctl.Cancelled")]
    assert time.monotonic() - began < 5
    assert engine.run(GET).values("s", "Name") == ["one"]
    assert (tmp_path / "loads").read_text("utf-8") == "loaded"


def test_deadline_while_the_module_loads(load):
    engine = load(10)
    began = time.monotonic()
    answer = engine.run(GET, deadline=1)
    assert answer.errors == [(None, "Hvctl.Deadline")]
    assert answer.done["ok"] is False
    assert time.monotonic() - began < 5


def test_bad_request_does_not_wait_for_the_module(load):
    engine = load(10)
    began = time.monotonic()
    assert engine.run(steps=[{"id": 5}]).errors == [(None, "Hvctl.BadRequest")]
    assert time.monotonic() - began < 5


def test_module_that_cannot_be_loaded_is_an_error_of_the_step(load):
    engine = load(more="throw 'broken module'")
    assert [step for step, _ in engine.run(GET).errors] == ["s"]


def test_driver_that_fails_ends_the_process_with_its_reason():
    source = engine_text().decode("ascii")
    start = source.index("function Invoke-Driver {")
    driver = source[start : source.index("function Start-Driver(")]
    out, error = run_script(
        f"{driver}\n"
        "function Start-WarmUp { }\n"
        "function Invoke-Request($request) { throw 'stdout is gone' }\n"
        "$engine = @{ ClientGone = $false; "
        "Requests = [System.Collections.Concurrent.BlockingCollection[object]]::new() }\n"
        "$engine.Requests.Add('a request')\n"
        "try { Invoke-Driver } catch { }\n"
        "'still there'\n"
    )
    assert out == ""
    assert error.strip() == "hvctl engine: stdout is gone"
