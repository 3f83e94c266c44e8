"""How long hvctl's commands take, against `python -c "import typer"`, and how `vm list` grows with the number of VMs.

Run it with hvctl installed: `python benchmarks/startup.py`, or `--json` for one object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hvctl.lab.transport import LabTransport
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.transports.session import Session

ROUNDS = 21
FEW, MANY = 10, 1_000

BARS = {
    "version_ratio": 2.0,
    "completion_ratio": 2.0,
    "live_completion_ratio": 3.0,
    "list_ratio": 4.0,
    "list_1000_over_10": 1.5,
}
"""What each ratio may be at most."""


class Command(NamedTuple):
    """A command that is timed, the home it runs in, and a text that shows that it did its work."""

    arguments: tuple[str, ...]
    home: Path
    proof: str


def fill(home: Path, count: int) -> None:
    """Make a lab with so many virtual machines, every third of them running."""
    path = home / "lab" / "world.db"
    path.parent.mkdir(parents=True)
    steps = []
    for number in range(count):
        name = f"web{number}"
        new = Call("New-VM", {"Name": name, "Generation": 2, "MemoryStartupBytes": 32 << 20, "NoVHD": True})
        steps.append(Step(f"new{number}", new))
        if number % 3 == 0:
            steps.append(Step(f"start{number}", Call("Start-VM", {"Name": name})))
    session = Session(LabTransport(path))
    try:
        result = session.run(Batch(tuple(steps)))
    finally:
        session.close()
    if not result.ok:
        raise SystemExit(f"the lab could not be filled: {result.errors[0].message}")


def commands(few: Path, many: Path) -> dict[str, Command]:
    """What is timed."""
    script = Path(sys.executable).with_name("hvctl.exe" if sys.platform == "win32" else "hvctl")
    hvctl = (str(script),) if script.exists() else (sys.executable, "-m", "hvctl")
    listing = (*hvctl, "vm", "list", "-o", "json")
    return {
        "typer": Command((sys.executable, "-c", "import typer; print('typer')"), few, "typer"),
        "version": Command((*hvctl, "--version"), few, "hvctl "),
        "completion": Command((*hvctl, "__complete", "=st", "vm"), few, "start"),
        "live_completion": Command((*hvctl, "__complete", "=web", "vm", "show"), few, f"web{FEW - 1}"),
        "list": Command(listing, few, f'"web{FEW - 1}"'),
        "list_many": Command(listing, many, f'"web{MANY - 1}"'),
    }


def run(command: Command, environment: Mapping[str, str]) -> float:
    """Run a command once and return its wall time in seconds."""
    variables = {**environment, "HVCTL_HOME": str(command.home), "HVCTL_HOST": "lab"}
    start = time.perf_counter()
    done = subprocess.run(command.arguments, env=variables, capture_output=True, check=False)
    elapsed = time.perf_counter() - start
    if done.returncode != 0 or command.proof.encode() not in done.stdout:
        raise SystemExit(f"{' '.join(command.arguments)} failed: {done.returncode} {done.stderr.decode()}")
    return elapsed


def measure() -> dict[str, float]:
    """The ratios of the median times, taken in turns so that a busy machine slows all alike."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        fill(few, FEW)
        fill(many, MANY)
        timed = commands(few, many)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HVCTL_")}
        # All sides run from compiled files, as an installed package does, wherever hvctl's source lies.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder, "compiled"))
        times: dict[str, list[float]] = {name: [] for name in timed}
        for turn in range(ROUNDS + 1):
            for name, command in timed.items():
                elapsed = run(command, environment)
                if turn:  # the first turn compiles and fills caches
                    times[name].append(elapsed)
    median = {name: statistics.median(each) for name, each in times.items()}
    return {
        "version_ratio": round(median["version"] / median["typer"], 3),
        "completion_ratio": round(median["completion"] / median["typer"], 3),
        "live_completion_ratio": round(median["live_completion"] / median["typer"], 3),
        "list_ratio": round(median["list"] / median["typer"], 3),
        "list_1000_over_10": round(median["list_many"] / median["list"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:22} {figure:.2f}  (at most {BARS[name]:.1f})")


if __name__ == "__main__":
    main()
