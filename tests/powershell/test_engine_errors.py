"""Errors, warnings, progress and prompts of cmdlets, as frames."""

from __future__ import annotations

import re

import pytest
from tests.support.pwsh import run_script

from hvctl.powershell.batch import Call, Step
from hvctl.powershell.bootstrap import engine_text

pytestmark = pytest.mark.powershell

RUNTIME = "System.Management.Automation"
NOT_INTERACTIVE = "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."


def scenario(name: str, **step: object) -> Step:
    return Step("s", Call("Get-VM", {"Name": (name,)}), **step)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "terminates",
            {
                "message": "it ended",
                "category": "InvalidOperation",
                "error_id": "Ended,Get-VM",
                "exception": "System.InvalidOperationException",
                "hresult": None,
                "target": "5",
            },
        ),
        (
            "throws",
            {
                "message": "thrown text",
                "category": "OperationStopped",
                "error_id": "thrown text",
                "exception": f"{RUNTIME}.RuntimeException",
                "hresult": None,
                "target": "thrown text",
            },
        ),
        (
            "denied",
            {
                "message": "outer",
                "category": "PermissionDenied",
                "error_id": "AccessDenied,Get-VM",
                "exception": "System.InvalidOperationException",
                "hresult": 0x80070005,
                "target": None,
            },
        ),
        (
            "win32",
            {
                "message": "in use",
                "category": "NotSpecified",
                "error_id": "OperationFailed,Get-VM",
                "exception": "System.ComponentModel.Win32Exception",
                "hresult": 0x80070020,
                "target": None,
            },
        ),
        (
            "details",
            {
                "message": "in other words",
                "category": "InvalidData",
                "error_id": "Detailed,Get-VM",
                "exception": "System.InvalidOperationException",
                "hresult": None,
                "target": "t" * 1000,
            },
        ),
        (
            "asks",
            {
                "message": NOT_INTERACTIVE,
                "category": "InvalidOperation",
                "error_id": "InvalidOperation,Microsoft.PowerShell.Commands.ReadHostCommand",
                "exception": f"{RUNTIME}.PSInvalidOperationException",
                "hresult": None,
                "target": None,
            },
        ),
    ],
)
@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_terminating_error_has_every_field(engine, name, fields, on_error):
    answer = engine.run(scenario(name, on_error=on_error))
    assert dict(answer.error) == {"step": "s", **fields, "undo": False}
    assert answer.done["ok"] is (on_error == "continue")


def test_stop_ends_at_the_first_error_and_keeps_what_came_before(engine):
    answer = engine.run(
        scenario("errors", select=("Name",)), Step("next", Call("Get-VM", {"Name": ("one",)}), select=("Name",))
    )
    assert answer.errors == [("s", "NotFound,Get-VM")]
    assert answer.error["target"] == "beta"
    assert answer.values("s", "Name") == ["alpha"]
    assert answer.data("next") == []
    assert answer.done["ok"] is False


def test_continue_reports_each_error_and_goes_on(engine):
    answer = engine.run(
        scenario("errors", select=("Name",), on_error="continue"),
        Step("next", Call("Get-VM", {"Name": ("one",)}), select=("Name",)),
    )
    assert answer.errors == [("s", "NotFound,Get-VM"), ("s", "Busy,Get-VM")]
    assert answer.values("s", "Name") == ["alpha", "gamma"]
    assert answer.values("next", "Name") == ["alpha"]
    assert answer.done["ok"] is True


@pytest.mark.parametrize("name", ["throws", "terminates"])
def test_output_before_a_terminating_error_is_kept(engine, name):
    answer = engine.run(scenario(name, select=("Name",), on_error="continue"))
    assert answer.values("s", "Name") == ["alpha"]


@pytest.mark.parametrize(("on_error", "preference"), [("stop", "Stop"), ("continue", "Continue")])
def test_preference_reaches_the_cmdlet(engine, on_error, preference):
    step = Step("s", Call("Get-VMSwitch"), select=("ErrorAction", "Confirm", "Progress"), on_error=on_error)
    assert engine.run(step).data("s") == [{"ErrorAction": preference, "Confirm": "High", "Progress": "Continue"}]


def test_error_written_in_spite_of_stop_fails_the_step(engine):
    answer = engine.run(scenario("stubborn", select=("Name",)))
    assert answer.errors == [("s", "Stubborn,Get-VM")]
    assert answer.done["ok"] is False


@pytest.mark.parametrize(
    ("call", "error_id", "category", "exception"),
    [
        (Call("Get-VM", {"Nope": 1}), "NamedParameterNotFound,Get-VM", "InvalidArgument", "ParameterBindingException"),
        (
            Call("Get-VM", {"Id": "abc"}),
            "ParameterArgumentTransformationError,Get-VM",
            "InvalidData",
            "ParameterBindingArgumentTransformationException",
        ),
        (
            Call("Rename-VM", {"Name": "a"}),
            "MissingMandatoryParameter,Rename-VM",
            "InvalidArgument",
            "ParameterBindingException",
        ),
        (
            Call("Get-VM", {"Id": None, "ClusterObject": 1}),
            "AmbiguousParameterSet,Get-VM",
            "InvalidArgument",
            "ParameterBindingException",
        ),
    ],
)
def test_binder_refuses(engine, call, error_id, category, exception):
    error = engine.run(Step("s", call)).error
    assert (error["error_id"], error["category"], error["exception"]) == (error_id, category, f"{RUNTIME}.{exception}")


def test_dotnet_and_missing_command_errors(engine):
    assert engine.run(scenario("method")).errors == [("s", "FormatException,Get-VM")]
    error = engine.run(scenario("unknown")).error
    assert (error["error_id"], error["category"], error["target"]) == (
        "CommandNotFoundException,Get-VM",
        "ObjectNotFound",
        "No-SuchCommand",
    )


def test_missing_module_is_an_error_of_the_step(fresh_engine, tmp_path):
    error = fresh_engine(PSModulePath=str(tmp_path)).run(scenario("one")).error
    assert (error["category"], error["error_id"]) == ("ObjectNotFound", "CouldNotAutoLoadModule")


def test_prompt_of_a_compiled_cmdlet_is_invalid_operation(engine, tmp_path):
    file = tmp_path / "kept"
    file.touch()
    error = engine.run(Step("s", Call("Remove-Item", {"LiteralPath": (str(file),), "Confirm": True}))).error
    assert (error["category"], error["message"]) == ("InvalidOperation", NOT_INTERACTIVE)
    assert error["error_id"] == "InvalidOperation,Microsoft.PowerShell.Commands.RemoveItemCommand"
    assert file.exists()


def test_prompt_of_a_function_fails(engine):
    error = engine.run(scenario("confirms")).error
    assert NOT_INTERACTIVE in error["message"]
    assert error["error_id"] == "PSInvalidOperationException,Get-VM"


def test_warnings_and_verbose(engine):
    answer = engine.run(Step("s", Call("Get-VM", {"Name": ("warns",), "Verbose": True})))
    assert [(frame.type, frame["message"]) for frame in answer.frames[:-1]] == [
        ("warning", "first"),
        ("warning", "zweite ü"),
        ("verbose", "quiet"),
    ]
    assert {fields["step"] for fields in answer.of("warning")} == {"s"}


def test_warning_without_verbose(engine):
    assert engine.run(scenario("warns")).of("verbose") == []


def test_progress_and_warnings_arrive_while_the_cmdlet_runs(engine):
    request_id = engine.start(scenario("progress"))
    progress = engine.next("progress", request_id)
    warning = engine.next("warning", request_id)
    assert engine.state(request_id) == "running"
    engine.send(engine.protocol.simple("cancel", request_id))
    assert engine.answer(request_id).errors == [(None, "Hvctl.Cancelled")]
    assert dict(progress.fields) == {
        "step": "s",
        "activity": "Merging",
        "status": "half",
        "percent": 50,
        "seconds_left": 7,
    }
    assert warning["message"] == "while it runs"


def test_progress_without_percent_and_at_its_end(engine):
    engine.run(scenario("go"))
    answer = engine.run(scenario("progress"))
    assert [(fields["percent"], fields["seconds_left"]) for fields in answer.of("progress")] == [
        (None, None),
        (100, None),
    ]


def test_worker_without_a_host_reports_a_prompt_as_a_console_does():
    out, _ = run_script(
        with_functions("New-Failure", "ConvertTo-Failure", "Test-RefusedPrompt", "Get-HResult", "Get-TargetText")
        + r"""
        $targetTextLimit = 1000
        $shell = [powershell]::Create([initialsessionstate]::CreateDefault2())
        $null = $shell.AddCommand('Microsoft.PowerShell.Utility\Read-Host').AddParameter('Prompt', 'x')
        $null = $shell.BeginInvoke().AsyncWaitHandle.WaitOne()
        $reason = $shell.InvocationStateInfo.Reason
        $failure = ConvertTo-Failure $reason.ErrorRecord $reason
        [System.Console]::Out.WriteLine($reason.ErrorRecord.FullyQualifiedErrorId)
        [System.Console]::Out.WriteLine($failure.category + '|' + $failure.error_id)
        """
    )
    assert out.split() == [
        "HostFunctionNotImplemented,Microsoft.PowerShell.Commands.ReadHostCommand",
        "InvalidOperation|InvalidOperation,Microsoft.PowerShell.Commands.ReadHostCommand",
    ]


def with_functions(*names: str) -> str:
    """Functions of the engine, for a script that tries them alone."""
    text = engine_text().decode("ascii")
    return "".join(re.search(rf"^function {name}\(.*?^}}\n", text, re.MULTILINE | re.DOTALL)[0] for name in names)
