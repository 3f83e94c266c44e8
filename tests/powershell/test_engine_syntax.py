"""What engine.ps1 and the bootstrap may be made of, judged on the tree that PowerShell's own parser makes of them.

Windows PowerShell 5.1 on .NET Framework 4.6 must run them, and nothing that arrives may become script text. What may
be used stands in syntax-allowed.txt.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Set
from pathlib import Path

import pytest
from tests.support.pwsh import run_script

from hvctl.powershell.bootstrap import bootstrap_script, engine_text

pytestmark = pytest.mark.powershell


ALLOWED = frozenset(
    line
    for line in Path(__file__).with_name("syntax-allowed.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
BOOTSTRAP_ONLY = {"dynamic & $script $input $hash $nonce", "static [scriptblock]::Create", "type scriptblock"}
NEWER_TOKENS = {"QuestionMark", "QuestionQuestion", "QuestionQuestionEquals", "QuestionDot", "QuestionLBracket"}
NUMBER = re.compile(r"\d+(\.\d+)?([KMG]B)?")
NEWER_ESCAPE = re.compile(r"(?<!`)(``)*`[eu]")


def judge(*scripts: bytes) -> list[list[str]]:
    """What each script is made of, as lines of a kind and a text."""
    lines = b"".join(base64.b64encode(script) + b"\n" for script in scripts)
    out, err = run_script(Path(__file__).with_name("syntax-judge.ps1").read_text("utf-8"), lines=lines)
    assert not err, err
    return [json.loads(line) for line in out.splitlines()]


def findings(facts: Iterable[str], allowed: Set[str] = ALLOWED) -> set[str]:
    """What in a script is not allowed."""
    facts = set(facts)
    named = {f"command {fact.removeprefix('function ')}" for fact in facts if fact.startswith("function ")}
    keys = {f"member {fact.removeprefix('key ')}" for fact in facts if fact.startswith("key ")}
    return {fact for fact in facts - allowed - named - keys if not _is_fine(*fact.split(" ", 1))}


def _is_fine(kind: str, text: str) -> bool:
    match kind:
        case "function" | "key":
            return True
        case "token":
            return text not in NEWER_TOKENS
        case "number":
            return NUMBER.fullmatch(text) is not None
        case "string":
            return NEWER_ESCAPE.search(text) is None
    return False


@pytest.fixture(scope="module")
def facts() -> dict[str, list[str]]:
    engine, bootstrap = judge(engine_text(), bootstrap_script().encode("ascii"))
    return {"engine": engine, "bootstrap": bootstrap}


def test_engine_is_made_of_what_is_allowed(facts):
    assert findings(facts["engine"]) == set()


def test_bootstrap_is_made_of_what_is_allowed(facts):
    assert findings(facts["bootstrap"], ALLOWED | BOOTSTRAP_ONLY) == set()


def test_nothing_is_allowed_that_is_not_used(facts):
    assert (ALLOWED | BOOTSTRAP_ONLY) - set(facts["engine"]) - set(facts["bootstrap"]) == set()


def test_engine_is_ascii_with_lf():
    assert engine_text().isascii()
    assert b"\r" not in engine_text()
    assert b"\t" not in engine_text()
    assert engine_text().endswith(b"}\n")


MUTATIONS = {
    "$x = $a ? 1 : 2": "node TernaryExpressionAst",
    "$x = $a ?? 2": "token QuestionQuestion",
    "$a ??= 2": "token QuestionQuestionEquals",
    "${a}?.Length": "node ?.",
    "${a}?[0]": "node ?[]",
    "Send-Hello && Send-Hello": "node PipelineChainAst",
    "Send-Hello || Send-Hello": "node PipelineChainAst",
    "Send-Hello &": "node background",
    "function Clean-It { clean { 1 } }": "node clean",
    "function Trap-It { trap { 1 } }": "node TrapStatementAst",
    "class Box { }": "node TypeDefinitionAst",
    "enum Kind { One }": "node TypeDefinitionAst",
    "$x = 5u": "number 5u",
    "$x = 0b11": "number 0b11",
    '$x = "`e[0m"': 'string "`e[0m"',
    '$x = "`u{41}"': 'string "`u{41}"',
    "Invoke-Expression $x": "command Invoke-Expression",
    "iex $x": "command iex",
    "Microsoft.PowerShell.Utility\\Invoke-Expression $x": "command Microsoft.PowerShell.Utility\\Invoke-Expression",
    "[scriptblock]::Create($x)": "static [scriptblock]::Create",
    "$block = [scriptblock]$x": "type scriptblock",
    "$block = $x -as [scriptblock]": "type scriptblock",
    "[System.Management.Automation.ScriptBlock]": "type System.Management.Automation.ScriptBlock",
    "$shell.AddScript($x)": "member AddScript",
    "$shell.AddScript('1')": "member AddScript",
    "$shell.AddCommand($x)": "call $x",
    "$shell.AddCommand('Get-Process')": "call 'Get-Process'",
    '$shell.AddCommand("$x")': 'call "$x"',
    "$ExecutionContext.InvokeCommand.NewScriptBlock($x)": "member NewScriptBlock",
    "$ExecutionContext.InvokeCommand.ExpandString($x)": "member ExpandString",
    "$ExecutionContext.InvokeCommand.InvokeScript($x)": "member InvokeScript",
    "[powershell]::Create().AddStatement()": "member AddStatement",
    "& $x": "dynamic & $x",
    ". $x": "dynamic . $x",
    '& "$x" 1': 'dynamic & "$x" 1',
    ". Send-Hello": "dynamic . Send-Hello",
    "$x.$name()": "dynamic $x.$name()",
    "$x::Create()": "dynamic $x::Create()",
    "Add-Type -TypeDefinition $x": "command Add-Type",
    "New-Object $x": "command New-Object",
    "Start-Process $x": "command Start-Process",
    "Import-Module $x": "command Import-Module",
    "[System.Text.Json.JsonDocument]::Parse($x)": "static [System.Text.Json.JsonDocument]::Parse",
    "[System.Convert]::ToHexString($x)": "static [System.Convert]::ToHexString",
    "[System.MemoryExtensions]": "type System.MemoryExtensions",
    "$x = [ulong]1": "type ulong",
    "$x = [System.Collections.Generic.List[int]]::new()": "static [System.Collections.Generic.List[int]]::new",
    "$x -is [System.HashCode]": "type System.HashCode",
    "function Take-It([System.Half]$x) { }": "type System.Half",
    "$x.AsSpan()": "member AsSpan",
    "$x.Invoke()": "member Invoke",
    "if (": "error",
}


def test_what_is_forbidden_is_found():
    scripts = [f"function Send-Hello {{ }}\n{line}\n".encode("ascii") for line in MUTATIONS]
    missed = {
        line: wanted
        for (line, wanted), made_of in zip(MUTATIONS.items(), judge(*scripts), strict=True)
        if not any(found.startswith(wanted) for found in findings(made_of))
    }
    assert missed == {}


def test_what_is_forbidden_is_found_in_the_engine_and_the_bootstrap():
    lines = b"\n& $other\n$shell.AddScript($x)\niex $x\n$y = $x ? 1 : 2\n"
    wanted = {"dynamic & $other", "member AddScript", "command iex", "node TernaryExpressionAst"}
    engine, bootstrap = judge(engine_text() + lines, bootstrap_script().encode("ascii") + lines)
    assert wanted <= findings(engine)
    assert wanted <= findings(bootstrap, ALLOWED | BOOTSTRAP_ONLY)


def test_only_the_bootstrap_makes_a_script_block_from_text_and_once(facts):
    made = "static [scriptblock]::Create"
    assert (facts["engine"].count(made), facts["bootstrap"].count(made)) == (0, 1)
