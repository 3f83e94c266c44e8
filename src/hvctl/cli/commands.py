"""The table of commands, and the command tree with only those loaded that a command line names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import typer


class Verb(NamedTuple):
    """Where a command is defined, and its line of help."""

    module: str
    function: str
    help: str


class Noun(NamedTuple):
    """A group of commands, or of such groups, and its line of help."""

    help: str
    verbs: Mapping[str, Verb | Noun]


def _verbs(module: str, **verbs: str) -> dict[str, Verb]:
    """The commands of one module: a function each, `list_` for `list`."""
    return {name.rstrip("_").replace("_", "-"): Verb(module, name, text) for name, text in verbs.items()}


COMMANDS: Mapping[str, Noun | Verb] = {
    "vm": Noun(
        "Create, run and change virtual machines.",
        {
            **_verbs(
                "hvctl.cli.vm.show",
                list_="List virtual machines.",
                show="Show everything about virtual machines.",
            ),
            **_verbs("hvctl.cli.vm.create", create="Create a virtual machine."),
            **_verbs(
                "hvctl.cli.vm.power",
                start="Start virtual machines.",
                stop="Shut down the guests of virtual machines.",
                save="Save the state of virtual machines to disk and stop them.",
                suspend="Suspend virtual machines; they keep their memory.",
                resume="Let suspended virtual machines run on.",
                restart="Shut down virtual machines and start them again.",
            ),
            **_verbs(
                "hvctl.cli.vm.change",
                rename="Give a virtual machine another name.",
                set_="Change settings of virtual machines.",
                delete="Delete virtual machines.",
            ),
        },
    ),
    "switch": Noun(
        "Create and delete virtual switches.",
        _verbs(
            "hvctl.cli.switch",
            list_="List virtual switches.",
            show="Show virtual switches and what is connected to them.",
            create="Create a virtual switch.",
            delete="Delete virtual switches.",
        ),
    ),
    "checkpoint": Noun(
        "Take, draw, restore and delete checkpoints of virtual machines.",
        {
            **_verbs(
                "hvctl.cli.checkpoint.show",
                list_="List the checkpoints of virtual machines.",
                tree="Draw the trees of checkpoints and where each machine is.",
                show="Show everything about checkpoints of a virtual machine.",
            ),
            **_verbs("hvctl.cli.checkpoint.create", create="Take checkpoints of virtual machines."),
            **_verbs(
                "hvctl.cli.checkpoint.change",
                restore="Bring a virtual machine back to a checkpoint.",
                rename="Give a checkpoint another name.",
                delete="Delete checkpoints of a virtual machine.",
            ),
        },
    ),
    "migrate": Noun(
        "Move virtual machines between hosts.",
        {
            **_verbs(
                "hvctl.cli.migrate.move",
                vm="Move virtual machines to another host.",
                storage="Move the files of virtual machines to another folder.",
                check="Check whether virtual machines could be moved.",
            ),
            **_verbs(
                "hvctl.cli.migrate.host",
                show="Show how a host takes part in moves.",
                enable="Let a host take part in moves.",
                disable="Let a host take part in no moves.",
            ),
        },
    ),
    "vhd": Noun(
        "See, create and change virtual hard disks.",
        {
            **_verbs(
                "hvctl.cli.vhd.show",
                list_="List virtual hard disks.",
                show="Show everything about virtual hard disks.",
                chain="Draw what disks are built on, and who uses each link.",
                test_="Test whether disks can be used, with all that they are built on.",
            ),
            **_verbs(
                "hvctl.cli.vhd.change",
                create="Create a virtual hard disk.",
                resize="Give virtual hard disks another size.",
                convert="Copy a virtual hard disk into a new one of another format or type.",
                merge="Merge a differencing disk into its parent.",
            ),
        },
    ),
    "storage": Noun(
        "Pools, virtual disks and volumes of Storage Spaces.",
        {
            **_verbs(
                "hvctl.cli.storage.create", create="Create a storage pool, a virtual disk and a volume, all in one."
            ),
            **_verbs("hvctl.cli.storage.health", health="Say what is wrong, what it means, and what to do."),
            "disk": Noun(
                "See the physical disks of a host.",
                _verbs(
                    "hvctl.cli.storage.disk",
                    list_="List physical disks, and whether they can be pooled.",
                    show="Show everything about physical disks.",
                ),
            ),
            "pool": Noun(
                "Create and delete storage pools.",
                _verbs(
                    "hvctl.cli.storage.pool",
                    list_="List storage pools.",
                    show="Show storage pools, with the disks and the virtual disks in them.",
                    create="Create a storage pool.",
                    delete="Delete storage pools; their disks can be pooled again.",
                ),
            ),
            "virtual-disk": Noun(
                "Create, change and delete virtual disks of pools.",
                _verbs(
                    "hvctl.cli.storage.virtual_disk",
                    list_="List virtual disks of storage pools.",
                    show="Show virtual disks, and what is below and on them.",
                    create="Create a virtual disk in a storage pool.",
                    resize="Make a virtual disk larger.",
                    repair="Begin to repair virtual disks.",
                    delete="Delete virtual disks, with the volumes and all the files on them.",
                ),
            ),
            "volume": Noun(
                "See and create volumes.",
                _verbs(
                    "hvctl.cli.storage.volume",
                    list_="List volumes.",
                    create="Create a volume on an empty virtual disk.",
                ),
            ),
            "job": Noun(
                "See what pools are doing on their own, and wait for it.",
                _verbs(
                    "hvctl.cli.storage.job",
                    list_="List what storage pools are doing on their own.",
                    wait="Wait until storage jobs are over: those named, or all.",
                ),
            ),
        },
    ),
    "host": Noun(
        "See what hosts are, and whether all is well with them.",
        _verbs(
            "hvctl.cli.host",
            list_="List hosts: what they are, what they run, what is wrong with them.",
            show="Show everything about a host, or about several as a list.",
            check="Check each leg of the way to a host, and what hvctl needs there.",
        ),
    ),
    "config": Noun(
        "Name hosts and groups once; see which settings hold.",
        {
            "host": Noun(
                "The hosts that the configuration names.",
                _verbs(
                    "hvctl.cli.config.host",
                    add="Name a host in the configuration.",
                    list_="List the hosts that the configuration names.",
                    show="Show what the configuration says of hosts.",
                    set_="Change single values of hosts in the configuration.",
                    remove="Take hosts out of the configuration.",
                ),
            ),
            "group": Noun(
                "Groups of hosts, for --host @GROUP.",
                _verbs(
                    "hvctl.cli.config.group",
                    add="Put hosts into a group, which is made if it is not there.",
                    remove="Take hosts out of a group, or take the group away; the hosts stay.",
                    list_="List the groups and the hosts that are in them.",
                ),
            ),
            **_verbs(
                "hvctl.cli.config.settings",
                default="Choose the host that commands use where none is named, or show it.",
                show="Show the settings that hold, for a host and for output.",
            ),
            **_verbs(
                "hvctl.cli.config.login",
                login="Put the password of a host's user into the platform's key store.",
                logout="Take the password of a host's user out of the platform's key store.",
            ),
        },
    ),
    "lab": Noun(
        "Use the simulator.",
        {
            **_verbs(
                "hvctl.cli.lab",
                use="Make the simulator the default host.",
                leave="Make the simulator the default host no longer.",
                reset="Start the simulator afresh; all that is in it is lost.",
                show="Show what the simulator's world is.",
                coverage="List the cmdlets and parameters that the simulator simulates.",
            ),
            **_verbs("hvctl.cli.lab_serve", serve="Serve the simulator's hosts over WinRM on this machine."),
            "fault": Noun(
                "Let things go wrong at the simulator's WinRM endpoint.",
                _verbs(
                    "hvctl.cli.lab_fault",
                    add="Let something go wrong at the lab's WinRM endpoint.",
                    list_="List what is still to go wrong at the lab's endpoint.",
                    clear="Let nothing go wrong at the lab's endpoint any more.",
                ),
            ),
        },
    ),
    "schema": Verb("hvctl.cli.schema", "schema", "Print the JSON Schema of what commands write."),
    "completion": Verb("hvctl.cli.completion", "completion", "Print the completion script of a shell."),
}


def build(tokens: Iterable[str]) -> typer.Typer:
    """The command tree, with only those commands loaded whose words are among the tokens.

    The others stand in it by name and help alone, for `--help` and for completion.
    """
    import typer

    from hvctl.cli.options import root_callback

    words = list(tokens)
    app = typer.Typer(
        name="hvctl",
        help="Administer Hyper-V from any terminal.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    # Where a command comes first, no option stands before it, and each would cost its validator.
    app.callback()(root_callback(bare=bool(words) and words[0] in COMMANDS))
    _fill(app, COMMANDS, words, load=True)
    return app


def commands(entries: Mapping[str, Noun | Verb] = COMMANDS, before: str = "") -> Iterator[tuple[str, Verb]]:
    """Every command with its words, as in `vm create`."""
    for name, entry in entries.items():
        if isinstance(entry, Verb):
            yield f"{before}{name}", entry
        else:
            yield from commands(entry.verbs, f"{before}{name} ")


def _fill(group: typer.Typer, entries: Mapping[str, Noun | Verb], words: list[str], *, load: bool) -> None:
    import typer

    for name, entry in entries.items():
        if isinstance(entry, Verb):
            _add(group, name, entry, load=load and name in words)
            continue
        below = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
        _fill(below, entry.verbs, words, load=load and name in words)
        group.add_typer(below, name=name, help=entry.help)


def _add(app: typer.Typer, name: str, verb: Verb, *, load: bool) -> None:
    if load:
        from hvctl.cli.options import with_shared_options

        app.command(name)(with_shared_options(getattr(import_module(verb.module), verb.function)))
    else:
        app.command(name, help=verb.help)(_absent)


def _absent() -> None:
    """Stand in for a command whose words were not given; it is never run."""
