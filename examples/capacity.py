"""Would all virtual machines of a host fit into its memory at once? The Python API at work.

The host is the argument, else the one that hvctl would choose. It ends in 1 if they would not, else as hvctl does.
"""

from __future__ import annotations

import sys

import hvctl
from hvctl.errors import HvctlError
from hvctl.units import format_size


def report(name: str | None) -> int:
    """Print what the machines of a host need, and what it has; return the exit code."""
    with hvctl.connect(name) as host:
        info = host.info()
        machines = host.vms.list()
    needed = sum(vm.memory_startup or 0 for vm in machines)
    in_use = sum(vm.memory_assigned or 0 for vm in machines)
    memory = info.memory or 0
    print(f"{info.computer_name}: {len(machines)} virtual machines, {info.running or 0} running")
    print(f"memory: {format_size(memory)}; in use by them: {format_size(in_use)}; to start all: {format_size(needed)}")
    if needed > memory:
        print(f"They do not fit: {format_size(needed - memory)} too much.")
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(report(sys.argv[1] if len(sys.argv) > 1 else None))
    except HvctlError as error:
        print(f"error: {error.message}", file=sys.stderr)
        sys.exit(int(error.code))
