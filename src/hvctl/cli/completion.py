"""`completion`: the script that makes a shell complete hvctl's words."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import UsageError

BASH = r"""_hvctl() {
    local value _
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        COMPREPLY+=("$(printf '%q' "$value")")
    done < <(hvctl __complete "=$2" "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -o default -F _hvctl hvctl
"""

ZSH = r"""#compdef hvctl
_hvctl() {
    local line value
    local -a items
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        items+=("${value//:/\\:}:${line#*$'\t'}")
    done < <(hvctl __complete "=${words[CURRENT]}" "${(@)words[2,CURRENT-1]}" 2>/dev/null)
    _describe hvctl items
}
compdef _hvctl hvctl
"""

FISH = r"""function __hvctl_complete
    set -l words (commandline -opc)
    hvctl __complete "="(commandline -ct) $words[2..-1] 2>/dev/null
end
complete -c hvctl -f -a '(__hvctl_complete)'
"""

POWERSHELL = r"""Register-ArgumentCompleter -Native -CommandName hvctl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Select-Object -Skip 1)
    $before = @($before | Where-Object { $_.Extent.EndOffset -lt $cursorPosition })
    $words = @($before | ForEach-Object { if ($null -ne $_.Value) { "$($_.Value)" } else { "$_" } })
    hvctl __complete "=$wordToComplete" @words 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        $text = if ($value -match '[^\w./:-]') { "'" + ($value -replace "'", "''") + "'" } else { $value }
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}


@command(shared=())
def completion(
    _: Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> None:
    """Print the completion script of a shell.

    source <(hvctl completion bash)
    """
    if shell not in SCRIPTS:
        raise UsageError(f"'{shell}' is not a shell with completion.", hint=f"Choose one of {', '.join(SCRIPTS)}.")
    sys.stdout.write(SCRIPTS[shell])
