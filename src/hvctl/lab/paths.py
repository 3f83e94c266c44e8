"""Windows paths: compared without case, either slash, dots resolved."""

from __future__ import annotations

import re

_DRIVE = r"[A-Za-z]:\\"
_INVALID = r'[<>:"|?*\x00-\x1f]'


def normalize(path: str) -> str:
    """The full path as Windows would keep it: backslashes, no dots, no slash at the end except a drive's."""
    text = path.replace("/", "\\").strip()
    start = "\\\\" if text.startswith("\\\\") else ""
    parts: list[str] = []
    for part in text.split("\\"):
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part.rstrip(" .") if not parts or parts[-1] else part)
    joined = start + "\\".join(part for part in parts if part)
    return joined + "\\" if re.fullmatch(r"[A-Za-z]:", joined) else joined


def key(path: str) -> str:
    """What two spellings of one path have in common."""
    return normalize(path).upper()


def is_rooted(path: str) -> bool:
    """Whether the path starts at a drive."""
    return re.match(_DRIVE, normalize(path)) is not None


def is_valid(path: str) -> bool:
    """Whether every part of a rooted path is a possible file name."""
    return is_rooted(path) and not re.search(_INVALID, normalize(path)[3:])


def join(folder: str, *names: str) -> str:
    """A path below a folder."""
    return normalize("\\".join((folder, *names)))


def parent(path: str) -> str:
    """The folder a path lies in; a drive's root is its own parent."""
    head, _slash, _name = normalize(path).rpartition("\\")
    return normalize(head + "\\") if head else normalize(path)


def name(path: str) -> str:
    """The last part of a path."""
    return normalize(path).rpartition("\\")[2]


def suffix(path: str) -> str:
    """The extension in lower case, dot included; empty when there is none."""
    stem, dot, extension = name(path).rpartition(".")
    return (dot + extension).lower() if stem else ""
