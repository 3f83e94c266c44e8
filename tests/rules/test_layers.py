"""Imports go down only, each library is imported in one place, and nothing imports in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = SOURCE / "hvctl"

ALLOWED = {
    "errors": set(),
    "units": {"errors"},
    "config": {"errors"},
    "credentials": {"config", "errors"},
    "powershell": {"errors"},
    "models": {"errors", "units"},
    "transports": {"errors", "powershell"},
    "services": {"errors", "models", "powershell", "transports.session", "transports.result", "units"},
    "lab": {"errors", "powershell", "transports.base"},
    "output": {"errors", "units", "models"},
    "hosts": {"config", "credentials", "errors", "lab", "transports"},
    "cli": {
        "transports.fleet",
        "config",
        "credentials",
        "errors",
        "hosts",
        "models",
        "output",
        "powershell",
        "services",
        "transports.session",
        "units",
    },
    "api": {"errors", "hosts", "models", "services", "transports.session", "units"},
}
"""What each layer may import; a name with a dot is that module alone. Each may import itself."""

EXCEPTIONS = {
    ("cli.app", "__init__"): "the version",
    ("cli.options", "__init__"): "the version",
    ("__init__", "api"): "the public API is the package",
    ("__main__", "cli.app"): "the program",
    ("cli.lab", "lab.seeds"): "the commands on the lab itself",
    ("cli.lab", "lab.coverage"): "the commands on the lab itself",
    ("cli.lab_fault", "lab.endpoint.faults"): "the commands on the lab itself",
    ("cli.lab_serve", "lab.endpoint.server"): "the commands on the lab itself",
    ("cli.lab_serve", "lab.endpoint.stopping"): "the commands on the lab itself",
    ("cli.names", "lab.world"): "names to complete, without an engine",
    ("output.progress", "powershell.protocol"): "progress is shown as the engine tells it",
}
"""Imports beyond the rule, each with its reason."""

ONLY_IN = {
    "winrm": {"transports/winrm_protocol.py", "transports/winrm_errors.py"},
    "requests": {
        "transports/winrm_protocol.py",
        "transports/winrm_errors.py",
        "transports/probe.py",
        "transports/http_sessions.py",
    },
    "urllib3": {"transports/http_sessions.py", "transports/winrm_errors.py"},
    "subprocess": {"transports/local.py", "lab/endpoint/processes.py"},
    "sqlite3": {"lab/database.py"},
    "typer": {"cli/"},
    "rich": {"output/", "cli/"},
    "yaml": {"output/"},
    "jmespath": {"output/"},
    "tomlkit": {"config/edit.py"},
    "platformdirs": {"config/places.py"},
    "keyring": {"credentials.py"},
    "getpass": {"credentials.py"},
    "winreg": {"hosts.py"},
    "threading": {
        "credentials.py",
        "transports/fleet.py",
        "transports/http_sessions.py",
        "transports/local.py",
        "transports/probe.py",
        "output/progress.py",
        "lab/endpoint/",
    },
    "socket": {"lab/endpoint/", "transports/probe.py", "transports/winrm_errors.py", "transports/http_sessions.py"},
    "ssl": {"lab/endpoint/", "transports/probe.py", "transports/winrm_errors.py", "transports/http_sessions.py"},
    "spnego": {"lab/endpoint/", "transports/winrm_errors.py"},
    "cryptography": {"lab/endpoint/"},
    "click": set(),
}
"""Where a library may be imported."""


def modules() -> dict[str, Path]:
    """Every module by its name below hvctl; a package by its own."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every absolute name that a module imports, in functions too; and whether it does so when it is itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = {node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole.removeprefix("hvctl.") in MODULES else str(node.module)), node in at_once


def own_imports(*, at_once: bool = False) -> Iterator[tuple[str, str]]:
    """Pairs of module and imported module of ours; of those that are imported at once, or of all."""
    for name, path in MODULES.items():
        for imported, is_at_once in imports(path):
            if imported.split(".")[0] == "hvctl" and (is_at_once or not at_once):
                yield name, imported.removeprefix("hvctl").removeprefix(".") or "__init__"


def test_the_table_knows_every_layer():
    layers = {name.split(".")[0] for name in MODULES} - {"__init__", "__main__"}
    assert layers == set(ALLOWED)


def test_imports_go_down_only():
    wrong = []
    for name, imported in own_imports():
        layer = name.split(".")[0]
        may = ALLOWED.get(layer, set()) | {layer}
        fits = any(imported == each or imported.startswith(f"{each}.") for each in may)
        if not fits and (name, imported) not in EXCEPTIONS:
            wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_every_exception_is_needed():
    assert set(EXCEPTIONS) - set(own_imports()) == set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_place(library):
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES.values()
        for imported, _ in imports(path)
        if imported.split(".")[0] == library
    }
    outside = {path for path in found if not any(path.startswith(place) for place in ONLY_IN[library])}
    assert outside == set()
    assert bool(found) is bool(ONLY_IN[library])


def test_no_circle():
    """A module that imports another is not imported by it, on any way round; functions import when they run."""
    below: dict[str, set[str]] = {}
    for name, imported in own_imports(at_once=True):
        if imported in MODULES and imported != name:
            below.setdefault(name, set()).add(imported)
    state: dict[str, int] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert state.get(name) != 1, " -> ".join((*way, name))
        if name in state:
            return
        state[name] = 1
        for imported in sorted(below.get(name, ())):
            visit(imported, (*way, name))
        state[name] = 2

    for name in MODULES:
        visit(name, ())


def test_the_judge_sees_imports_inside_functions(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import rich\n"
        "def f():\n    from hvctl.cli import app\n    import subprocess, sqlite3\n",
        encoding="utf-8",
    )
    assert sorted(imports(path)) == [
        ("hvctl.cli.app", False),
        ("rich", False),
        ("sqlite3", False),
        ("subprocess", False),
        ("typing", True),
    ]
