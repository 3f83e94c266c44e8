from __future__ import annotations

import base64
import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.pwsh import require_pwsh, run_script

from hvctl.powershell.batch import Batch, Call, Credential, DateTime, Ref, Secret, Step, TimeSpan
from hvctl.powershell.protocol import encode_step
from hvctl.powershell.source import _SWITCHES, mask, render

EXPECTED_ONE = "Step vm: exactly one object was expected."
INVARIANT = "[Globalization.CultureInfo]::InvariantCulture"
CONTRACT = Path(__file__).parents[2] / "src" / "hvctl" / "lab" / "contract"


def one(call: Call, **fields: Any) -> str:
    return render(Batch((Step("vm", call, **fields),)))


def script(text: str) -> str:
    return dedent(text).lstrip("\n")


@pytest.mark.unit
def test_creation_with_checks_and_undo() -> None:
    batch = Batch(
        (
            Step("existing", Call("Get-VM"), where={"Name": "web1"}, expect="none"),
            Step(
                "disk",
                Call("New-VHD", {"Path": r"C:\VMs\web1.vhdx", "SizeBytes": 40 << 30, "Dynamic": True}),
                undo=Call("Remove-Item", {"LiteralPath": Ref("disk", property="Path"), "Force": True}),
            ),
            Step(
                "vm",
                Call("New-VM", {"Name": "web1", "Generation": 2, "VHDPath": Ref("disk", property="Path")}),
                select=("Id", "Name"),
                expect="one",
                undo=Call("Remove-VM", {"VM": Ref("vm"), "Force": True, "Confirm": False}),
            ),
            Step("memory", Call("Set-VM", {"VM": Ref("vm"), "AutomaticCheckpointsEnabled": True})),
            Step(
                "shown", Call("Get-VM", {"Id": Ref("vm", property="Id")}), select=("Id", "Name", "NetworkAdapters.Id")
            ),
        )
    )
    adapters = "@{ Name = 'NetworkAdapters.Id'; Expression = { $_.NetworkAdapters.Id } }"
    assert render(batch) == script(
        r"""
        & {
            $existing = Get-VM -ErrorAction Stop | Where-Object { $_.Name -eq 'web1' }
            if (@($existing).Count -ne 0) { throw 'Step existing: no object was expected.' }
            $disk = New-VHD -Path 'C:\VMs\web1.vhdx' -SizeBytes 40GB -Dynamic -ErrorAction Stop
            # undo: Remove-Item -LiteralPath $disk.Path -Force
            $vm = New-VM -Name 'web1' -Generation 2 -VHDPath $disk.Path -ErrorAction Stop
            if (@($vm).Count -ne 1) { throw 'Step vm: exactly one object was expected.' }
            # undo: Remove-VM -VM $vm -Force -Confirm:$false
            Set-VM -VM $vm -AutomaticCheckpointsEnabled:$true -ErrorAction Stop
            Get-VM -Id $vm.Id -ErrorAction Stop | Select-Object -Property Id, Name, ADAPTERS
        }
        """
    ).replace("ADAPTERS", adapters)


@pytest.mark.unit
def test_many_machines_side_by_side() -> None:
    starts = [
        Step(f"vm{n}", Call("Start-VM", {"VM": Ref("vms", {"Id": f"id-{n}"})}), on_error="continue", group="start")
        for n in (1, 2)
    ]
    read = Step("vms", Call("Get-VM"), select=("Id", "State"), where={"State": ("Off", "Saved")}, on_error="continue")
    assert render(Batch((read, *starts))) == script(
        """
        $vms = Get-VM -ErrorAction Continue | Where-Object { $_.State -in @('Off', 'Saved') }
        $vms | Select-Object -Property Id, State
        # hvctl runs the next 2 steps side by side; here they run one after another.
        Start-VM -VM ($vms | Where-Object { $_.Id -eq 'id-1' }) -ErrorAction Continue
        Start-VM -VM ($vms | Where-Object { $_.Id -eq 'id-2' }) -ErrorAction Continue
        """
    )


@pytest.mark.unit
def test_needs_and_lists_that_may_be_empty() -> None:
    batch = Batch(
        (
            Step("vms", Call("Get-VM"), on_error="continue"),
            Step("stop1", Call("Stop-VM", {"VM": Ref("vms", {"Id": "1"})}), on_error="continue", expect="none"),
            Step("start1", Call("Start-VM", {"VM": Ref("vms", {"Id": "1"})}), on_error="continue", needs=("stop1",)),
            Step("save", Call("Save-VM", {"VM": Ref("vms", all=True)}), on_error="continue"),
            Step("ids", Call("Save-VM", {"Id": Ref("vms", property="Id", all=True)}), on_error="continue"),
            Step("some", Call("Save-VM", {"VM": Ref("vms", {"State": "Running"}, all=True)}), on_error="continue"),
            Step(
                "files",
                Call("Remove-Item", {"LiteralPath": Ref("vms", {"Name": "a"}, "HardDrives.Path", all=True)}),
                on_error="continue",
            ),
        )
    )
    paths = (
        "@($vms | Where-Object { $_.Name -eq 'a' } | ForEach-Object { $_.HardDrives.Path }"
        " | Where-Object { $null -ne $_ })"
    )
    assert render(batch) == script(
        """
        $vms = Get-VM -ErrorAction Continue
        $stop1 = Stop-VM -VM ($vms | Where-Object { $_.Id -eq '1' }) -ErrorAction Continue
        $stop1_done = $?
        if (@($stop1).Count -ne 0) { Write-Error 'Step stop1: no object was expected.'; $stop1_done = $false }
        if ($stop1_done) {
            Start-VM -VM ($vms | Where-Object { $_.Id -eq '1' }) -ErrorAction Continue
        }
        if ($vms) {
            Save-VM -VM $vms -ErrorAction Continue
        }
        if (@($vms | ForEach-Object { $_.Id } | Where-Object { $null -ne $_ }).Count) {
            Save-VM -Id @($vms | ForEach-Object { $_.Id } | Where-Object { $null -ne $_ }) -ErrorAction Continue
        }
        if ($vms | Where-Object { $_.State -eq 'Running' }) {
            Save-VM -VM ($vms | Where-Object { $_.State -eq 'Running' }) -ErrorAction Continue
        }
        if (PATHS.Count) {
            Remove-Item -LiteralPath PATHS -ErrorAction Continue
        }
        """
    ).replace("PATHS", paths)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("web 1", "'web 1'"),
        ("", "''"),
        ("it's", "'it''s'"),
        ("\u2018\u2019\u201a\u201b", "'\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b'"),
        ('$(x) `n "$y" \u201cz\u201d', "'$(x) `n \"$y\" \u201cz\u201d'"),
        ("-Force", "'-Force'"),
        ("--%", "('-' + '-%')"),
        (" --%", "' --%'"),
        ("Käse 😀", "'Käse 😀'"),
        ("a\r\nb", "('a' + [char]0x000D + [char]0x000A + 'b')"),
        ("\x1e", "('' + [char]0x001E)"),
        ("\ud83d", "('' + [char]0xD83D)"),
        ("x\u202ey", "('x' + [char]0x202E + 'y')"),
        ("\U000e0001", "('' + [char]0xDB40 + [char]0xDC01)"),
        ("\n" * 501, "(-join (" + ", ".join(["[char]0x000A"] * 501) + "))"),
    ],
)
def test_text(text: str, literal: str) -> None:
    assert one(Call("New-VM", {"Name": text})) == f"New-VM -Name {literal} -ErrorAction Stop\n"


@pytest.mark.unit
def test_a_script_of_nothing_but_ascii() -> None:
    call = Call("New-VM", {"Name": "Ñ'1", "Notes": ("\u2019", {"ä": "a"}), "Credential": Credential("ö", "ü")})
    batch = Batch((Step("vms", Call("Get-VM"), where={"Name": "é"}, on_error="continue"), Step("vm", call)))
    assert render(batch, ascii_only=True) == script(
        """
        & {
            Get-VM -ErrorAction Continue | Where-Object { $_.Name -eq ('' + [char]0x00E9) }
            New-VM -Name ('' + [char]0x00D1 + '\'\'1') -Notes NOTES -Credential USER -ErrorAction Stop
        }
        """
    ).replace("NOTES", "@(('' + [char]0x2019), @{ ('' + [char]0x00E4) = 'a' })").replace(
        "USER", "(Get-Credential -UserName ('' + [char]0x00F6) -Message 'Password')"
    )


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "$null"),
        (0, "0"),
        (7, "7"),
        (-5, "(-5)"),
        (0.5, "0.5"),
        (-0.5, "(-0.5)"),
        (-0.0, "(-0.0)"),
        (1 << 20, "1MB"),
        (1536 << 20, "1536MB"),
        (4 << 30, "4GB"),
        ((4 << 30) + 1, "4294967297"),
        (3 << 40, "3TB"),
        ((), "@()"),
        (("a",), "@('a')"),
        ((1, True, None, ("b",)), "@(1, $true, $null, @('b'))"),
        ((("a",),), "@(, @('a'))"),
        ({}, "@{}"),
        ({"a b": 1, "c": ("d",)}, "@{ 'a b' = 1; 'c' = @('d') }"),
        (TimeSpan(90), "([TimeSpan]::FromTicks(900000000))"),
        (TimeSpan(0.25), "([TimeSpan]::FromTicks(2500000))"),
        (
            DateTime("2025-01-02T03:04:05Z"),
            f"([DateTime]::Parse('2025-01-02T03:04:05Z', {INVARIANT}, 'AssumeUniversal, AdjustToUniversal'))",
        ),
        (Secret("hunter2"), "(Read-Host -Prompt 'Secret' -AsSecureString)"),
        (Credential("o'neil", "hunter2"), "(Get-Credential -UserName 'o''neil' -Message 'Password')"),
    ],
)
def test_value(value: Any, literal: str) -> None:
    assert one(Call("Set-VM", {"Notes": value})) == f"Set-VM -Notes {literal} -ErrorAction Stop\n"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Force": True}, "-Force"),
        ({"Force": False}, "-Force:$false"),
        ({"Confirm": False}, "-Confirm:$false"),
        ({"DynamicMemoryEnabled": True}, "-DynamicMemoryEnabled:$true"),
    ],
)
def test_switch(value: dict[str, bool], text: str) -> None:
    assert one(Call("Set-VM", value)) == f"Set-VM {text} -ErrorAction Stop\n"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Get-VM -ErrorAction Stop\n"),
        ({"select": (".",)}, "Get-VM -ErrorAction Stop\n"),
        ({"select": ("Id",), "expect": "any"}, "Get-VM -ErrorAction Stop | Select-Object -Property Id\n"),
        (
            {"select": (".",), "expect": "one"},
            f"$vm = Get-VM -ErrorAction Stop\nif (@($vm).Count -ne 1) {{ throw '{EXPECTED_ONE}' }}\n$vm\n",
        ),
        (
            {"where": {".": "False"}},
            "Get-VM -ErrorAction Stop | Where-Object { $_ -in @('False') }\n",
        ),
        (
            {"where": {"DynamicMemoryEnabled": "true"}},
            "Get-VM -ErrorAction Stop | Where-Object { $_.DynamicMemoryEnabled -in @('true') }\n",
        ),
        (
            {"where": {"Name": "a", "State": ()}},
            "Get-VM -ErrorAction Stop | Where-Object { $_.Name -eq 'a' -and $_.State -in @() }\n",
        ),
        ({"timeout": 90.5}, "# hvctl stops this step after 90.5 seconds.\nGet-VM -ErrorAction Stop\n"),
    ],
)
def test_reading_step(fields: dict[str, Any], text: str) -> None:
    assert one(Call("Get-VM"), **fields) == text


@pytest.mark.unit
def test_records_of_a_changing_step_are_not_shown() -> None:
    assert one(Call("New-VM", {"Name": "a"}), select=("Id",)) == "New-VM -Name 'a' -ErrorAction Stop\n"


@pytest.mark.unit
def test_an_error_action_of_the_call_is_kept() -> None:
    assert one(Call("Get-VM", {"ErrorAction": "Ignore"})) == "Get-VM -ErrorAction 'Ignore'\n"


@pytest.mark.unit
@pytest.mark.parametrize(
    "step_id",
    ["args", "error", "false", "foreach", "home", "host", "input", "matches", "null", "pid", "psitem", "pwd", "switch"],
)
def test_automatic_variables_are_left_alone(step_id: str) -> None:
    batch = Batch((Step(step_id, Call("Get-VM"), expect="one", on_error="continue"),))
    assert render(batch).startswith(f"${step_id}_ = Get-VM ")


@pytest.mark.unit
def test_a_made_up_variable_takes_no_other_steps_name() -> None:
    first = [Step(name, Call("Get-VM"), expect="one", on_error="continue") for name in ("host", "host_", "host__")]
    last = Step("last", Call("Get-VM"), needs=("host",), on_error="continue")
    clash = Step("host_done", Call("Get-VM", {"Id": Ref("host", property="Id")}), on_error="continue")
    assigned = re.findall(r"^(\S+) = ", render(Batch((*first, last, clash))), re.MULTILINE)
    assert assigned == ["$host___", "$host_done_", "$host_", "$host__"]


@pytest.mark.unit
def test_made_up_variables_differ_from_one_another() -> None:
    steps = [Step(name, Call("Get-VM"), expect="one", on_error="continue") for name in ("psx", "psx_")]
    assert re.findall(r"^(\S+) = ", render(Batch(tuple(steps))), re.MULTILINE) == ["$psx__", "$psx___"]


@pytest.mark.unit
def test_a_result_that_only_the_undo_needs_is_kept() -> None:
    undo = Call("Remove-VM", {"VM": Ref("vm")})
    assert one(Call("New-VM", {"Name": "a"}), undo=undo) == script(
        """
        $vm = New-VM -Name 'a' -ErrorAction Stop
        # undo: Remove-VM -VM $vm
        """
    )


@pytest.mark.unit
def test_an_empty_batch_is_an_empty_script() -> None:
    assert render(Batch(())) == ""


@pytest.mark.unit
@pytest.mark.parametrize(
    "call",
    [
        Call("Get-VM", {"Name; Remove-VM *": "a"}),
        Call("Get-VM", {"Force -Confirm": True}),
        Call("Get-VM", {"": "a"}),
        Call("Get-VM", {"Name": math.nan}),
        Call("Get-VM", {"Name": (math.inf,)}),
    ],
)
def test_what_is_no_name_or_number_is_refused(call: Call) -> None:
    with pytest.raises(ValueError, match="is not"):
        one(call)


@pytest.mark.unit
@pytest.mark.parametrize(
    "ref", [Ref("a", {"Id) }; evil; {": "x"}), Ref("a", property="Id; evil"), Ref("a", property="")]
)
def test_a_property_that_is_no_name_is_refused(ref: Ref) -> None:
    batch = Batch((Step("a", Call("Get-VM")), Step("b", Call("Start-VM", {"VM": ref}))))
    with pytest.raises(ValueError, match="is not the name"):
        render(batch)


@pytest.mark.unit
def test_mask_hides_every_secret_and_nothing_else() -> None:
    values = {"A": (Secret("hunter2"), "x"), "B": {"k": Credential("me", "hunter2")}, "C": TimeSpan(1), "D": "hunter"}
    step = Step("a", Call("New-VM", values), expect="one", undo=Call("Remove-VM", {"A": Secret("hunter2")}))
    masked = mask(Batch((step,)))
    assert masked == Batch(
        (
            replace(
                step,
                call=Call("New-VM", {**values, "A": (Secret("***"), "x"), "B": {"k": Credential("me", "***")}}),
                undo=Call("Remove-VM", {"A": Secret("***")}),
            ),
        )
    )
    assert "hunter2" not in json.dumps(encode_step(masked.steps[0]))


@pytest.mark.contract
def test_short_switches_are_switches_wherever_they_occur() -> None:
    kinds: dict[str, set[bool]] = {name: set() for name in _SWITCHES}
    for file in CONTRACT.glob("*.json"):
        for cmdlet in json.loads(file.read_text("utf-8"))["cmdlets"].values():
            for name, parameter in cmdlet["parameters"].items():
                kinds.get(name, set()).add(bool(parameter.get("switch")))
    assert kinds == {name: {True} for name in _SWITCHES}


class Judge:
    """One PowerShell process that says what its parser sees in a script, and what the script's commands are given."""

    def __init__(self, executable: str) -> None:
        source = (Path(__file__).parent / "source_judge.ps1").read_text("utf-8")
        encoded = base64.b64encode(source.encode("utf-16-le")).decode("ascii")
        options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "Text", "-OutputFormat", "Text"]
        self._process = subprocess.Popen(
            [executable, *options, "-EncodedCommand", encoded],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )

    def __call__(self, text: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(base64.b64encode(text.encode("utf-16-le")).decode("ascii") + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return {name: _decoded(value) for name, value in answer.items()}

    def close(self) -> None:
        self._process.communicate()


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        return base64.b64decode(value).decode("utf-16-le", "surrogatepass")
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        return {_decoded(key): _decoded(item) for key, item in value["pairs"]}
    return value


def _joined(text: str) -> str:
    """The text with neighbouring surrogates made one character, as UTF-16 has no other way to see them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    process = Judge(require_pwsh())
    yield process
    process.close()


QUOTES = ("'", "''", "\u2018", "\u2019", "\u201a", "\u201b", '"', "\u201c", "\u201d", "\u201e", "`", "'@\n", "@'\n")
SYNTAX = ("$(Remove-VM *)", "$x", "@(", "{", "}", ")", ";", "|", "&", "#", "<#", "#>", "%", "*", "[a]", "{0}", "[char]")
DASHES = ("-", "\u2013", "--%", "-Force", " ", "\t", "\\", "\u00a0")
CONTROLS = (
    "\n",
    "\r",
    "\r\n",
    "\x1e",
    "\x1b[2J",
    "\x00",
    "\x07",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\u200b",
    "\u202e",
)
UNPAIRED = ("\ufeff", "\ufffe", "\ud800", "\udfff", "\ud83d", "\ude00", "😀", "\U000e0001", "ß", "İ")
TAGGED = ("2025-01-02T03:04:05Z", "/Date(1)/", '{"$ref": "vm"}')
NASTY = QUOTES + SYNTAX + DASHES + CONTROLS + UNPAIRED + TAGGED
any_text = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.sampled_from(NASTY) | st.characters(exclude_categories=()), max_size=8).map("".join),
)
many_texts = st.lists(any_text, min_size=1, max_size=25)
by_hypothesis = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
HARMLESS = ["", "Get-VM", "Where-Object", "New-VM"]


@pytest.mark.powershell
@given(texts=many_texts, ascii_only=st.booleans())
@by_hypothesis
def test_any_text_arrives_unchanged(judge: Judge, texts: list[str], ascii_only: bool) -> None:
    keys = {key.casefold(): key for key in map(_joined, texts) if key.isascii()}.values()
    call = Call("New-VM", {"Name": texts[0], "Notes": tuple(texts), "Options": {key: key for key in keys}})
    steps = (Step("vms", Call("Get-VM"), where={"Name": tuple(texts)}), Step("vm", call))
    written = render(Batch(steps), ascii_only=ascii_only)
    assert written.replace("\n", "").isprintable()
    assert written.isascii() or not ascii_only
    answer = judge(written)
    expected = [_joined(text) for text in texts]
    assert answer["problems"] == []
    assert answer["commands"] == HARMLESS
    assert answer["comments"] == []
    options = {key: key for key in keys}
    assert answer["calls"] == [
        ["Get-VM", "-ErrorAction", "Stop"],
        ["New-VM", "-Name", expected[0], "-Notes", expected, "-Options", options, "-ErrorAction", "Stop"],
    ]
    assert answer["wanted"] == [expected if len(expected) > 1 else expected[0]]
    assert answer["failure"] is None


@pytest.mark.powershell
@pytest.mark.parametrize("name", ["--%", "-- %", "\u2013-%", "-\u2014%", "--%x", "--", "-", "@a", "@()", "1", "$null"])
def test_a_text_that_would_be_syntax_does_not_free_the_next(judge: Judge, name: str) -> None:
    answer = judge(one(Call("New-VM", {"Name": name, "Notes": "x | Remove-VM * ; Remove-VM *"})))
    assert answer["commands"] == ["New-VM"]
    notes = "x | Remove-VM * ; Remove-VM *"
    assert answer["calls"] == [["New-VM", "-Name", name, "-Notes", notes, "-ErrorAction", "Stop"]]


@pytest.mark.powershell
@given(text=any_text)
@by_hypothesis
def test_any_text_stays_in_the_comment_of_an_undo(judge: Judge, text: str) -> None:
    step = Step("vm", Call("New-VM", {"Name": "a"}), undo=Call("Remove-VM", {"Name": text, "Credential": Secret(text)}))
    answer = judge(render(Batch((step,))))
    assert (answer["problems"], answer["commands"], len(answer["comments"])) == ([], ["New-VM"], 1)
    undo = judge(
        answer["comments"][0].removeprefix("# undo: ").replace("(Read-Host -Prompt 'Secret' -AsSecureString)", "1")
    )
    assert undo["calls"] == [["Remove-VM", "-Name", _joined(text), "-Credential", 1]]


@pytest.mark.powershell
@given(text=any_text)
@by_hypothesis
def test_any_user_and_moment_is_a_literal(judge: Judge, text: str) -> None:
    call = Call("New-VM", {"Credential": Credential(text, text), "Since": DateTime(text)})
    answer = judge(render(Batch((Step("vm", call),))))
    assert (answer["problems"], answer["commands"]) == ([], ["New-VM", "Get-Credential"])


@pytest.mark.powershell
def test_a_text_of_many_lines_arrives_unchanged(judge: Judge) -> None:
    text = "line\r\n" * 2_000
    answer = judge(one(Call("New-VM", {"Notes": text})))
    assert answer["calls"] == [["New-VM", "-Notes", text, "-ErrorAction", "Stop"]]


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)


@pytest.mark.powershell
@given(
    values=st.lists(scalars | st.recursive(scalars, lambda items: st.lists(items, max_size=3).map(tuple)), max_size=9)
)
@by_hypothesis
def test_any_number_and_array_arrives_unchanged(judge: Judge, values: list[Any]) -> None:
    call = Call("Set-VM", {f"P{n}": value for n, value in enumerate(values)} | {"ErrorAction": "Stop"})
    answer = judge(render(Batch((Step("vm", call),))))
    expected: list[Any] = ["Set-VM"]
    for n, value in enumerate(values):
        expected += [f"-P{n}:" if isinstance(value, bool) else f"-P{n}", _listed(value)]
    assert answer["calls"] == [[*expected, "-ErrorAction", "Stop"]]


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.powershell
def test_no_variable_of_powershell_is_assigned() -> None:
    printed, _ = run_script("Get-Variable | ForEach-Object { [Console]::Out.WriteLine($_.Name) }")
    names = [name for name in printed.lower().split() if re.fullmatch("[a-z][a-z0-9_]*", name)]
    assert len(names) > 20
    for name in names:
        assert one(Call("Get-VM"), expect="one").startswith("$vm = ")
        assert render(Batch((Step(name, Call("Get-VM"), expect="one"),))).startswith(f"${name}_ = ")


@pytest.mark.powershell
def test_moments_and_durations(judge: Judge) -> None:
    values = {
        "A": DateTime("2025-01-02T03:04:05Z"),
        "B": DateTime("2025-07-02T03:04:05.25+02:00"),
        "C": DateTime("2025-01-02T03:04:05"),
        "D": TimeSpan(93_784.5),
        "E": TimeSpan(-1),
        "ErrorAction": "Stop",
    }
    answer = judge(one(Call("Set-VM", values)))
    moments = ["2025-01-02T03:04:05.0000000Z", "2025-07-02T01:04:05.2500000Z", "2025-01-02T03:04:05.0000000Z"]
    durations = ["1.02:03:04.5000000", "-00:00:01"]
    assert answer["calls"][0][2:-2:2] == [*moments, *durations]


@pytest.mark.powershell
def test_refs_checks_and_selections_run(judge: Judge) -> None:
    batch = Batch(
        (
            Step("host", Call("Get-VM"), where={"Name": "ONE"}, expect="one", select=("Id", "Name.Length")),
            Step("error", Call("Get-VM"), where={"Name": "two"}, expect="none"),
            Step("found", Call("Start-VM", {"VM": Ref("host", {"Id": "ID-1"}, "Name")}), needs=("host", "error")),
            Step("lost", Call("Start-VM", {"VM": Ref("host", {"Id": "id-2"}, all=True)})),
            Step("none", Call("Start-VM", {"VM": Ref("host", property="Nothing", all=True)})),
            Step("some", Call("Set-VM", {"A": Ref("host", {"Id": "id-1"}, all=True)})),
            Step("both", Call("Set-VM", {"A": Ref("host", {"Id": "id-1"}, all=True), "B": Ref("host", all=True)})),
            Step("neither", Call("Set-VM", {"A": Ref("host", {"Id": "x"}, all=True), "B": Ref("host", all=True)})),
            Step("all", Call("Start-VM", {"VM": Ref("host", property="Name", all=True)})),
            Step("last", Call("Set-VM", {"A": Ref("host", property="Name.Length")}), on_error="continue"),
        )
    )
    answer = judge(render(batch))
    stop = ["-ErrorAction", "Stop"]
    assert answer["problems"] == []
    assert answer["calls"] == [
        ["Get-VM", *stop],
        ["Get-VM", *stop],
        ["Start-VM", "-VM", "one", *stop],
        ["Set-VM", "-A", "@{Id=id-1; Name=one}", *stop],
        ["Set-VM", "-A", "@{Id=id-1; Name=one}", "-B", "@{Id=id-1; Name=one}", *stop],
        ["Start-VM", "-VM", ["one"], *stop],
        ["Set-VM", "-A", 3, "-ErrorAction", "Continue"],
    ]
    assert answer["failure"] is None


@pytest.mark.powershell
def test_a_failed_check_ends_the_script(judge: Judge) -> None:
    there = Step("existing", Call("Get-VM"), where={"Name": "one"}, expect="none")
    answer = judge(render(Batch((there, Step("vm", Call("New-VM", {"Name": "one"}))))))
    assert answer["calls"] == [["Get-VM", "-ErrorAction", "Stop"]]
    assert answer["failure"] == "Step existing: no object was expected."


@pytest.mark.powershell
def test_a_failed_need_skips_the_step(judge: Judge) -> None:
    there = Step("gone", Call("Get-VM"), expect="none", on_error="continue")
    start = Step("start", Call("Start-VM"), needs=("gone",), on_error="continue")
    then = Step("then", Call("Set-VM"), needs=("start",), on_error="continue")
    answer = judge(render(Batch((there, start, then))))
    assert (answer["failure"], answer["calls"]) == (None, [["Get-VM", "-ErrorAction", "Continue"]])
