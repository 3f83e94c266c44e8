"""How long commands take over WinRM: one against `winrm.Session.run_ps` doing the same, and one over many hosts.

Every request takes a round trip of 20 ms and every PowerShell 1.5 s to start. Both sides of `--cold` are whole
processes, in turns, on the same endpoint. Run it with hvctl installed: `python benchmarks/remote.py --cold`, `--fleet`
(see fleet.py), or both where neither is named; with `--json` for one object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import fleet
from serving import FOLDER, Served, environment, program, serve
from startup import fill

ROUNDS = 7
VMS = 10
AUTHS = ("ntlm", "basic")


class Measured(NamedTuple):
    """What one command has cost."""

    seconds: float
    requests: int
    starts: int


def timed(served: Served, command: Sequence[str], variables: Mapping[str, str], proof: str) -> Measured:
    """Run a command once."""
    before = served.stats()
    begun = time.perf_counter()
    done = subprocess.run(command, env=dict(variables), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    after = served.stats()
    if done.returncode or proof not in done.stdout:
        raise SystemExit(f"{' '.join(command)} failed: {done.returncode} {done.stdout} {done.stderr}")
    counted = {name: after[name] - before[name] for name in ("requests", "powershell_starts")}
    return Measured(seconds, counted["requests"], counted["powershell_starts"])


def cold(folder: Path) -> dict[str, float]:
    """`vm list` and `vm create` from nothing, by each way to log in."""
    hvctl = program()
    found: dict[tuple[str, str, str], list[Measured]] = {}
    for auth in AUTHS:
        home = folder / auth
        fill(home, VMS)
        with serve(home / "lab" / "world.db", auth) as served:
            host = served.hosts[0]
            variables = environment(
                HVCTL_HOME=str(home), HVCTL_HOST=host["url"], HVCTL_USER=host["user"], HVCTL_AUTH=auth,
                HVCTL_PASSWORD=host["password"], HVCTL_CA_FILE=host["ca_file"],
                PYTHONPYCACHEPREFIX=str(folder / "compiled"),
            )  # fmt: skip
            where = (host["url"], host["user"], host["password"], auth, host["ca_file"])
            for turn in range(ROUNDS + 1):
                name = f"new{turn}"
                sides = {
                    ("list", "hvctl"): (*hvctl, "vm", "list"),
                    ("list", "plain"): (sys.executable, str(FOLDER / "plain.py"), "list", name, *where),
                    ("create", "hvctl"): (*hvctl, "vm", "create", name, "--disk", "8G"),
                    ("create", "plain"): (sys.executable, str(FOLDER / "plain.py"), "create", f"{name}p", *where),
                }
                for (what, side), command in sides.items():
                    proof = name if what == "create" else f"web{VMS - 1}"
                    measured = timed(served, command, variables, proof)
                    if turn:  # the first turn compiles and fills caches
                        found.setdefault((auth, what, side), []).append(measured)
    return _summary(found)


def _summary(found: Mapping[tuple[str, str, str], Sequence[Measured]]) -> dict[str, float]:
    """The figures: `cold_speedup` is over both commands and both ways to log in, the others are of one each."""
    figures: dict[str, float] = {}
    medians = {key: statistics.median(each.seconds for each in every) for key, every in found.items()}
    for auth in AUTHS:
        for what in ("list", "create"):
            ratio = medians[auth, what, "plain"] / medians[auth, what, "hvctl"]
            figures[f"cold_speedup_{what}_{auth}"] = round(ratio, 3)
            for side in ("hvctl", "plain"):
                figures[f"requests_{what}_{auth}_{side}"] = max(each.requests for each in found[auth, what, side])
    totals = {side: sum(each for key, each in medians.items() if key[2] == side) for side in ("plain", "hvctl")}
    starts = {each.starts for key, every in found.items() if key[2] == "hvctl" for each in every}
    return {
        "cold_speedup": round(totals["plain"] / totals["hvctl"], 3),
        "cold_requests": figures["requests_list_ntlm_hvctl"],
        "powershell_starts": max(starts, key=lambda count: abs(count - 1)),
        **figures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true", help="single commands, each of which starts everything")
    parser.add_argument("--fleet", action="store_true", help="one command over a thousand hosts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        if arguments.cold or not arguments.fleet:
            figures |= cold(Path(folder))
        if arguments.fleet or not arguments.cold:
            figures |= fleet.measure(Path(folder))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value:8}")


if __name__ == "__main__":
    main()
