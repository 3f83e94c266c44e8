"""The main job on the lab, through the real program: a virtual machine is made, run, stopped and deleted.

Only the simulator is touched: that of HVCTL_HOME where it is set, else one in a temporary folder. The exit code is that
of the first command that fails.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile

TOUR = """
hvctl switch create tour-lan --type internal
hvctl vm create tour-web --memory 2G --disk 20G --switch tour-lan
hvctl vm start tour-web
hvctl vm list
hvctl vm show tour-web --query '{state: state, addresses: addresses, disk: disks[0].path}' -o yaml
hvctl vm stop tour-web
hvctl vm delete tour-web --with-disks --yes
hvctl switch delete tour-lan --yes
"""


def main() -> int:
    """Run the tour; return the exit code."""
    if os.environ.get("HVCTL_HOME"):
        return tour(os.environ["HVCTL_HOME"])
    with tempfile.TemporaryDirectory() as home:
        return tour(home)


def tour(home: str) -> int:
    """Run every command in a home of hvctl's; return the exit code of the first that fails, else 0."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HVCTL_")}
    settings |= {"HVCTL_HOME": home, "HVCTL_HOST": "lab"}
    for line in TOUR.split("\n"):
        if not line:
            continue
        print(f"$ {line}", flush=True)
        command = [sys.executable, "-m", *shlex.split(line)]
        code = subprocess.run(command, env=settings, stdin=subprocess.DEVNULL, check=False).returncode
        print(flush=True)
        if code:
            print(f"The last command ended in {code}.", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
