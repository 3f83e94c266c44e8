"""How fast the records of `vm list` become models, through protocol and models, against json.loads of the same bytes.

Run it with hvctl installed: `python benchmarks/wire.py`, or `--json` for one object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from collections.abc import Callable

from hvctl.models.vm import VmSummary
from hvctl.powershell.protocol import ClientProtocol, EngineProtocol

RECORDS = 2_000
ROUNDS = 31
CHUNK = 64 << 10
BAR = 6.0
"""How many times as long as json.loads it may take."""


def record(number: int) -> dict[str, object]:
    """What a host returns of one machine."""
    running = number % 3 != 0
    return {
        "Id": str(uuid.UUID(int=number)),
        "Name": f"web{number}",
        "State": "Running" if running else "Off",
        "Generation": 2,
        "ProcessorCount": 4,
        "CPUUsage": number % 100,
        "MemoryAssigned": 4 << 30 if running else 0,
        "MemoryDemand": 3 << 30 if running else 0,
        "MemoryStartup": 4 << 30,
        "DynamicMemoryEnabled": False,
        "Uptime": number * 61.5 if running else 0,
        "Heartbeat": "OkApplicationsHealthy" if running else None,
        "Status": "Betrieb normal — schön" if number % 2 else "Operating normally",
        "Version": "9.0",
        "CreationTime": "2025-01-02T03:04:05.1234567Z",
    }


def received() -> bytes:
    """The answer to `vm list` as it comes from an engine."""
    frames = (
        EngineProtocol.frame("record", "1", number, {"step": "vms", "data": record(number)})
        for number in range(1, RECORDS + 1)
    )
    return b"".join(frames)


def through_hvctl(data: bytes) -> int:
    """Bytes to models, in the pieces in which a pipe delivers them."""
    client = ClientProtocol("nonce", "hash")
    records = [
        frame["data"] for start in range(0, len(data), CHUNK) for frame in client.feed(data[start : start + CHUNK])
    ]
    return len(VmSummary.read("hv01", records))


def through_json(lines: list[bytes]) -> int:
    """The same bytes to plain dicts."""
    return len([json.loads(line) for line in lines])


def measure() -> dict[str, float]:
    """The ratio of the median times, taken in turns so that a busy machine slows both alike."""
    data = received()
    lines = [line.removeprefix(b"\x1e") for line in data.splitlines()]
    assert through_hvctl(data) == through_json(lines) == RECORDS
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_timed(lambda: through_json(lines)))
        ours.append(_timed(lambda: through_hvctl(data)))
    return {"records_ratio": round(statistics.median(ours) / statistics.median(theirs), 3)}


def _timed(run: Callable[[], int]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps(figures))
    else:
        print(f"records_ratio  {figures['records_ratio']:.2f}  (at most {BAR:.1f})")


if __name__ == "__main__":
    main()
