"""Ready-made worlds: one host, two hosts; any Windows version; the same seed, the same world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hvctl.errors import UsageError
from hvctl.lab import paths
from hvctl.lab.entities import GIB, MIB, Adapter, File, Host, Switch, Vm
from hvctl.lab.kinds.host import RELEASES
from hvctl.lab.settings import EPOCH, guid
from hvctl.lab.spaces import Partition, PhysicalDisk
from hvctl.lab.world import World

WORLDS = {"one-host": ("hv01",), "two-hosts": ("hv01", "hv02")}
"""The kinds of world, and the names of their hosts."""
WINDOWS = tuple(RELEASES)
"""The Windows Server versions that a world's hosts can have."""
PROCESSORS = {"intel": ("Intel", 2), "intel-old": ("Intel", 1), "amd": ("AMD", 2), "amd-old": ("AMD", 1)}
"""The kinds of processor that hosts can have: maker, and level, which a running machine needs at least."""
DEFAULT_WORLD = "one-host"
DEFAULT_WINDOWS = "2025"
DEFAULT_PROCESSORS = "intel"
ISOS = ("C:\\ISO\\ubuntu.iso", "C:\\ISO\\windows.iso")
"""Images that every host has, to try `--iso` with."""
_ADAPTERS = (("Ethernet", "Intel(R) Ethernet Controller X550"), ("Ethernet 2", "Intel(R) Ethernet Controller X550 #2"))
_DISKS = (
    ("LAB NVMe 480", "SSD", "NVMe", 480_103_981_056),
    *[("LAB SSD 960", "SSD", "SATA", 960_197_124_096)] * 4,
    *[("LAB HDD 4000", "HDD", "SAS", 4_000_787_030_016)] * 2,
    *[("LAB HDD 2000", "HDD", "SAS", 2_000_398_934_016)] * 2,
)
"""The disks of every host: Windows is on the first, the other eight can be pooled."""
_FOLDERS = ("C:\\", "C:\\ISO", "C:\\VMs", "C:\\VMs\\Virtual Hard Disks", "C:\\VMs\\Virtual Machines")


def create(path: Path) -> None:
    """Make the default world at `path`, unless another process has just made one there."""
    _build(path, DEFAULT_WORLD, check(DEFAULT_WORLD, DEFAULT_WINDOWS, DEFAULT_PROCESSORS), 0, keep=True)


def reset(
    path: Path,
    world: str = DEFAULT_WORLD,
    windows: str = DEFAULT_WINDOWS,
    seed: int = 0,
    *,
    rights: bool = True,
    processors: str = DEFAULT_PROCESSORS,
) -> None:
    """Replace the world at `path` with a fresh one, in one transaction.

    Args:
        path: The world's file.
        world: A key of WORLDS.
        windows: The hosts' Windows Server version: 2016, 2019, 2022 or 2025; or one for each host, as in 2025,2022.
        seed: What ids follow from.
        rights: Whether the user may administer Hyper-V.
        processors: The hosts' kind of processor, a key of PROCESSORS; or one for each host.

    Raises:
        UsageError: There is no such kind of world, Windows version or processor.
        HvctlError: The file is something else than a world.
    """
    _build(path, world, check(world, windows, processors), seed, rights=rights, keep=False)


def check(world: str, windows: str, processors: str) -> list[tuple[str, str]]:
    """The Windows version and the kind of processor of each host of a world.

    Raises:
        UsageError: There is no such world, version or kind, or there are not as many as hosts.
    """
    if world not in WORLDS:
        raise UsageError(f"There is no world '{world}'.", hint=f"The worlds are {', '.join(WORLDS)}.")
    versions = _of_hosts(world, windows, WINDOWS, "Windows version")
    return list(zip(versions, _of_hosts(world, processors, tuple(PROCESSORS), "kind of processor"), strict=True))


def _of_hosts(world: str, text: str, known: tuple[str, ...], what: str) -> list[str]:
    hosts = WORLDS[world]
    values = [part.strip().lower() for part in text.split(",")]
    for value in values:
        if value not in known:
            raise UsageError(f"The lab has no {what} '{value}'.", hint=f"It has {', '.join(known)}.")
    if len(values) not in (1, len(hosts)):
        raise UsageError(
            f"'{text}' names a {what} for {len(values)} hosts, and those of the world {world} are {len(hosts)}.",
            hint="Name one for all of them, or one for each.",
        )
    return values * len(hosts) if len(values) == 1 else values


def describe(path: Path) -> dict[str, Any]:
    """What the world at `path` is and how much is in it; made first if there is none."""
    with World.open(path) as world:
        return {
            "world": world.meta("world"),
            "windows": world.meta("windows"),
            "seed": world.meta("seed"),
            "hosts": [host.name for host in world.find(Host)],
            "vms": len(world.find(Vm)),
            "switches": len(world.find(Switch)),
            "isos": list(ISOS),
            "path": str(path),
        }


def _build(path: Path, kind: str, hosts: list[tuple[str, str]], seed: int, *, rights: bool = True, keep: bool) -> None:
    with World.rebuilt(path, keep=keep) as world:
        if world is None:
            return
        world.set_meta("world", kind)
        versions = [windows for windows, _processor in hosts]
        world.set_meta("windows", versions[0] if len(set(versions)) == 1 else ",".join(versions))
        world.set_meta("seed", seed)
        world.set_meta("counter", 0)
        world.set_clock(EPOCH)
        if not rights:
            world.configure("rights", value=False)
        for number, (name, (windows, processor)) in enumerate(zip(WORLDS[kind], hosts, strict=True), start=1):
            _add_host(world, name, number, windows, PROCESSORS[processor])


def _add_host(world: World, name: str, number: int, windows: str, processor: tuple[str, int]) -> None:
    world.add(
        Host(
            name=name,
            number=number,
            windows=windows,
            computer_name=name.upper(),
            logical_processors=16,
            memory=64 * GIB,
            virtual_machine_path="C:\\VMs",
            virtual_hard_disk_path="C:\\VMs\\Virtual Hard Disks",
            created=EPOCH,
            processor_maker=processor[0],
            processor_level=processor[1],
        )
    )
    for position, (label, description) in enumerate(_ADAPTERS, start=1):
        mac = f"{0xA4BF01000000 | number << 8 | position:012X}"
        world.add(Adapter(id=world.new_id("adapter"), host=name, name=label, description=description, mac=mac))
    for folder in _FOLDERS:
        world.add(File(host=name, key=paths.key(folder), path=folder, kind="folder", disk={}))
    for iso in ISOS:
        world.add(File(host=name, key=paths.key(iso), path=iso, kind="iso", disk={}, size=3 * GIB))
    _add_disks(world, name, number)


def _add_disks(world: World, host: str, number: int) -> None:
    for position, (label, media, bus, size) in enumerate(_DISKS):
        disk = PhysicalDisk(
            id=guid(f"{world.meta('seed')}/physical/{host}/{position}").replace("-", "").upper(),
            host=host,
            name=label,
            number=position,
            serial=f"LAB{number:02}{position:02}",
            size=size,
            media=media,
            bus=bus,
            style="RAW" if position else "GPT",
            system=position == 0,
        )
        world.add(disk)
        if disk.system:
            rest = disk.size - 512 * MIB
            identity = guid(f"{world.meta('seed')}/partition/{host}")
            world.add(
                Partition(
                    id=identity, host=host, disk=disk.id, number=3, offset=256 * MIB, size=rest, letter="C",
                    file_system="NTFS",
                )
            )  # fmt: skip
