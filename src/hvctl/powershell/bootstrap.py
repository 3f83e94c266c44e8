"""What starts the engine on a host: a command line with a constant script, and the first line on its stdin."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

_FLAGS = [
    "-NoLogo",
    "-NoProfile",
    "-NonInteractive",
    "-ExecutionPolicy",
    "Bypass",
    "-InputFormat",
    "Text",
    "-OutputFormat",
    "Text",
    "-EncodedCommand",
]

# The host's own reader feeds stdin line by line to a script that mentions $input at its top level: the first line is
# the engine, and the enumerator goes on to it. In a restricted language mode [Console] may not be used, so the refusal
# there is a string that the pipeline prints.
_SCRIPT = """\
$mode = "$($ExecutionContext.SessionState.LanguageMode)"
if ($mode -ne 'FullLanguage') {
    "$([char]30)<LANGUAGE_MODE>".Replace('<MODE>', $mode)
} else {
    [System.Console]::SetOut([System.Console]::Error)
    try {
        if (-not $input.MoveNext()) { [System.Environment]::Exit(1) }
        $nonce, $packed = ([string]$input.Current).Split(' ')
        $bytes = [System.Convert]::FromBase64String($packed)
        $packed = [System.IO.MemoryStream]::new($bytes)
        $engine = [System.IO.MemoryStream]::new()
        $mode = [System.IO.Compression.CompressionMode]::Decompress
        [System.IO.Compression.GZipStream]::new($packed, $mode).CopyTo($engine)
        $bytes = $engine.ToArray()
        $hash = [System.Security.Cryptography.SHA256CryptoServiceProvider]::new().ComputeHash($bytes)
        $hash = [System.BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
    } catch { $hash = '' }
    if ($hash -cne '<HASH>') {
        $frame = [System.Text.Encoding]::ASCII.GetBytes("$([char]30)<ENGINE_HASH>`n")
        $out = [System.Console]::OpenStandardOutput()
        $out.Write($frame, 0, $frame.Length)
        $out.Flush()
        [System.Environment]::Exit(1)
    }
    $script = [scriptblock]::Create([System.Text.Encoding]::ASCII.GetString($bytes))
    & $script $input $hash $nonce
}
"""


@cache
def engine_text() -> bytes:
    """The packaged engine as it runs on a host, with LF line ends."""
    return Path(__file__).with_name("engine.ps1").read_bytes().replace(b"\r\n", b"\n")


@cache
def engine_hash() -> str:
    """The SHA-256 of the engine's bytes in hexadecimal; both ends of a session name it."""
    return hashlib.sha256(engine_text()).hexdigest()


def engine_line(nonce: str) -> bytes:
    """The first line on the engine's stdin: the nonce and the engine itself."""
    return nonce.encode("ascii") + b" " + _packed() + b"\n"


def command_line(executable: str) -> list[str]:
    """The command that starts the engine, under 8,000 characters in all."""
    return [executable, *_FLAGS, encoded_command(bootstrap_script())]


def bootstrap_script() -> str:
    """The script on the command line: it checks the language mode and the engine's hash, then runs the engine."""
    return (
        _SCRIPT.replace("<HASH>", engine_hash())
        .replace(
            "<LANGUAGE_MODE>",
            _session_error("Hvctl.LanguageMode", "InvalidOperation", "PowerShell runs in <MODE> mode here."),
        )
        .replace(
            "<ENGINE_HASH>",
            _session_error("Hvctl.EngineHash", "InvalidData", "The engine did not arrive as it was sent."),
        )
    )


def encoded_command(script: str) -> str:
    """A script as `-EncodedCommand` takes it."""
    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


@cache
def _packed() -> bytes:
    import gzip

    return base64.b64encode(gzip.compress(engine_text(), 9, mtime=0))


def _session_error(error_id: str, category: str, message: str) -> str:
    """A session error frame without its mark, escaped for a double-quoted PowerShell string."""
    fields = {
        "type": "error",
        "id": "",
        "n": 0,
        "step": None,
        "message": message,
        "category": category,
        "error_id": error_id,
        "exception": None,
        "hresult": None,
        "target": None,
        "undo": False,
    }
    return json.dumps(fields, separators=(",", ":")).replace('"', '""')
