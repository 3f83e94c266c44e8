"""`checkpoint`: what each verb shows, refuses, asks and does."""

from __future__ import annotations

import pytest

from hvctl.lab import guests
from hvctl.lab.world import World

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(hvctl):
    """web1 running, and web2 off; each with a disk of its own."""
    hvctl.like("checkpoint", _lab)
    return hvctl


def _lab(hvctl) -> None:
    for name in ("web1", "web2"):
        hvctl.ok("vm", "create", name, "--disk", "1G")
    hvctl.ok("vm", "start", "web1")


@pytest.fixture
def chain(lab):
    """Checkpoints a, b and c of web1 in a row; b has its memory."""
    lab.ok("checkpoint", "create", "web1", "--name", "a")
    lab.ok("checkpoint", "create", "web1", "--name", "b", "--type", "standard")
    lab.ok("checkpoint", "create", "web1", "--name", "c")
    return lab


def names(hvctl, vm: str = "web1") -> list[str]:
    return [each["name"] for each in hvctl.json("checkpoint", "list", vm)]


def current(hvctl, vm: str = "web1") -> list[str]:
    return [each["name"] for each in hvctl.json("checkpoint", "tree", vm) if each["current"]]


def configure(hvctl, **values) -> None:
    with World.open(hvctl.world_file) as world, world.transaction():
        for name, value in values.items():
            world.configure(name, value)


class TestCreate:
    def test_one_is_an_object(self, lab):
        made = lab.json("checkpoint", "create", "web1", "--name", "{vm}: {date}, it's “new”")
        assert made["name"].startswith("web1: 20")
        assert made["name"].endswith("it's “new”")
        assert (made["vm"], made["current"], made["asked"], made["became"]) == (
            "web1",
            True,
            "Production",
            "Production",
        )
        assert names(lab) == [made["name"]]

    def test_several_are_a_list(self, lab):
        made = lab.json("checkpoint", "create", "web*")
        assert [(each["vm"], each["became"]) for each in made] == [("web1", "Production"), ("web2", None)]
        assert all(each["name"].startswith(f"{each['vm']} (20") for each in made)

    def test_names_from_stdin(self, lab):
        assert len(lab.json("checkpoint", "create", "-", stdin="web1\nweb2\n")) == 2

    def test_another_type_for_this_once(self, lab):
        made = lab.json("checkpoint", "create", "web1", "--type", "standard")
        assert (made["became"], made["state"]) == ("Standard", "Saved")
        assert lab.json("vm", "show", "web1")["checkpoint_type"] == "Production"

    def test_the_type_is_set_back_when_it_fails(self, lab):
        lab.ok("vm", "suspend", "web1")
        refused = lab("checkpoint", "create", "web1", "--type", "production-only", "-o", "json")
        assert (refused.code, refused.data) == (1, [])
        assert "Checkpoint operation failed" in refused.error["message"]
        assert lab.json("vm", "show", "web1")["checkpoint_type"] == "Production"
        assert names(lab) == []

    def test_falling_back_is_said(self, lab):
        with World.open(lab.world_file) as world:
            guests.set_behaviour(world, "hv01", "web1", vss=False)
        ended = lab.ok("checkpoint", "create", "web1", "-o", "name")
        assert "it became a standard one" in ended.err
        made = lab.json("checkpoint", "create", "web1")
        assert (made["asked"], made["became"]) == ("Production", "Standard")

    def test_disabled_ones_are_refused_beside_others(self, lab):
        lab.ok("vm", "set", "web1", "--checkpoint-type", "Disabled")
        ended = lab("checkpoint", "create", "--all", "--type", "standard", "-o", "json")
        assert (ended.code, [each["vm"] for each in ended.data]) == (8, ["web2"])
        assert "disabled" in ended.error["errors"][0]["message"]
        assert lab("checkpoint", "create", "web1").code == 6

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["web1", "--type", "vss"],
            ["web1", "--name", ""],
            ["web1", "--name", "x" * 101],
            ["web1", "--name", "a\tb"],
            ["web1", "--name", "{vm} {DATE}"],
            ["web1", "--columns", "nonsense"],
        ],
    )
    def test_words_that_do_not_make_sense(self, lab, no_change, words):
        with no_change():
            assert lab("checkpoint", "create", *words).code == 2

    def test_nobody_of_that_name(self, lab, no_change):
        with no_change():
            assert lab("checkpoint", "create", "web1", "nobody").code == 3

    def test_a_dry_run(self, lab, no_change):
        with no_change():
            shown = lab.ok("checkpoint", "create", "web1", "web2", "--type", "standard", "--dry-run")
        assert shown.out.count("Checkpoint-VM") == 2
        assert "# undo: " in shown.out

    def test_it_is_logged(self, lab):
        lab.ok("checkpoint", "create", "web1", "--name", "a")
        assert lab.log.splitlines()[-1].endswith("checkpoint create: 'web1' on lab: changed: a")


class TestReading:
    def test_list(self, chain):
        assert names(chain) == ["a", "b", "c"]
        assert names(chain, "web2") == []
        assert len(chain.json("checkpoint", "list")) == 3
        assert chain("checkpoint", "list", "nobody").code == 3
        assert chain.ok("checkpoint", "list", "--query", "[?state=='Saved'].name", "-o", "json").data == ["b"]
        assert chain.ok("checkpoint", "list", "--columns", "name,type", "-o", "csv").out.splitlines()[1] == "a,Standard"

    def test_tree(self, chain):
        chain.ok("checkpoint", "restore", "web1", "a", "--yes")
        lines = chain.ok("checkpoint", "tree").out.splitlines()
        assert [line.partition(" (")[0] for line in lines] == [
            "web1",
            "└── a",
            "    ├── b",
            "    │   └── c",
            "    └── you are here",
            "web2",
            "└── you are here",
        ]
        assert "(Standard, with memory, 2025-01-01" in lines[2]
        assert lines[4].endswith("you are here (Off)")

    def test_the_tree_as_data(self, chain):
        nodes = chain.json("checkpoint", "tree", "web1")
        assert [node["parent_id"] for node in nodes] == [None, nodes[0]["id"], nodes[1]["id"]]
        assert [node["current"] for node in nodes] == [False, False, True]

    def test_automatic_ones_are_shown_as_such(self, lab):
        lab.host.call("Set-VM", Name="web2", AutomaticCheckpointsEnabled=True)
        lab.ok("vm", "start", "web2")
        assert [each["automatic"] for each in lab.json("checkpoint", "list")] == [True]
        assert "(Standard, automatic, 2025" in lab.ok("checkpoint", "tree", "web2").out

    def test_show(self, chain):
        shown = chain.json("checkpoint", "show", "web1", "b")
        assert (shown["parent"], shown["children"], shown["memory_startup"]) == ("a", ["c"], 1 << 30)
        assert shown["disks"][0].endswith(".avhdx")
        table = chain.ok("checkpoint", "show", "web1", "b").out
        assert ["DISKS", shown["disks"][0]] in [line.split(maxsplit=1) for line in table.splitlines()]
        assert [each["name"] for each in chain.json("checkpoint", "show", "web1")] == ["a", "b", "c"]
        assert chain("checkpoint", "show", "web1", "x").code == 3

    def test_names_that_several_have(self, chain):
        ids = [chain.json("checkpoint", "create", "web1", "--name", "same")["id"] for _ in range(2)]
        refused = chain("checkpoint", "show", "web1", "same", "-o", "json")
        assert refused.code == 6
        assert all(each in refused.error["hint"] for each in ids)
        assert chain.json("checkpoint", "show", "web1", ids[0])["id"] == ids[0]

    def test_a_checkpoint_that_the_one_host_with_the_machine_lacks(self, hvctl):
        hvctl.ok("lab", "reset", "--world", "two-hosts")
        hvctl.ok("vm", "create", "web1", "--host", "lab/hv02")
        missing = hvctl("checkpoint", "show", "web1", "x", "--host", "lab/hv01,lab/hv02", "-o", "json")
        assert (missing.code, missing.data) == (3, [])
        assert missing.error["message"] == "No checkpoint 'x' on lab/hv02."


class TestRestore:
    def test_it_asks_what_is_lost(self, chain):
        asked = chain("checkpoint", "restore", "web1", "a", stdin="n\n", terminal=True)
        assert asked.code == 1
        assert "Discard what 'web1' did since 'c' (2025-01-01" in asked.err
        assert "with its memory (it is Running), and go back to 'a' on lab? [y/N]" in asked.err
        assert "2 checkpoints are based on 'a' and stay." in asked.err
        assert current(chain) == ["c"]
        assert chain("checkpoint", "restore", "web1", "a", stdin="y\n", terminal=True).code == 0
        assert current(chain) == ["a"]

    def test_without_a_terminal_it_is_refused(self, chain, no_change):
        with no_change():
            assert chain("checkpoint", "restore", "web1", "a").code == 2

    @pytest.mark.parametrize("restarts", [True, False])
    def test_the_state_afterwards_is_ours_to_say(self, chain, restarts):
        configure(chain, restore_restarts=restarts)
        states = []
        for name in ("b", "a", "b"):
            states.append(chain.json("checkpoint", "restore", "web1", name, "--yes")[0]["state"])
        assert states == ["Running", "Off", "Saved"]
        assert chain.json("checkpoint", "restore", "web1", "a", "--yes", "--start")[0]["state"] == "Running"

    def test_the_present_state_can_be_kept(self, chain):
        chain.ok("checkpoint", "restore", "web1", "a", "--checkpoint-first")
        kept = chain.json("checkpoint", "list", "web1")[-1]
        assert kept["name"].startswith("Before the restore of a (20")
        assert kept["state"] == "Saved"
        assert chain.json("checkpoint", "restore", "web1", kept["id"], "--yes", "--start")[0]["state"] == "Running"

    def test_what_cannot_be_kept_is_not_lost(self, chain):
        chain.ok("vm", "set", "web1", "--checkpoint-type", "ProductionOnly")
        refused = chain("checkpoint", "restore", "web1", "a", "--checkpoint-first", "-o", "json")
        assert refused.code == 1
        assert "its present state could not be kept" in refused.error["message"]
        assert (current(chain), chain.state("web1")) == (["c"], "Running")

    @staticmethod
    def _break(chain, disk: str) -> None:
        """Let the file of a checkpoint's disk be gone, and the machine go on without it."""
        with World.open(chain.world_file) as world, world.transaction():
            file = world.file("hv01", disk)
            assert file is not None
            world.remove(file)
            leaf = next(each for each in world.find(type(file)) if each.key.endswith(".AVHDX"))
            leaf.disk["parent"] = None
            world.save(leaf)

    def test_a_restore_that_fails_leaves_it_running(self, chain):
        self._break(chain, chain.json("checkpoint", "show", "web1", "a")["disks"][0])
        refused = chain("checkpoint", "restore", "web1", "a", "--yes", "-o", "json")
        assert (refused.code, refused.data[0]["outcome"], chain.state("web1")) == (1, "failed", "Running")

    def test_a_paused_machine_does_not_run_on_when_a_restore_fails(self, chain):
        chain.ok("vm", "suspend", "web1")
        disk = chain.json("checkpoint", "show", "web1", "a")["disks"][0]
        self._break(chain, disk)
        refused = chain("checkpoint", "restore", "web1", "a", "--yes", "-o", "json")
        assert (refused.code, refused.data[0]["state"], chain.state("web1")) == (1, "Saved", "Saved")

    def test_a_restore_that_fails_says_what_was_kept(self, chain):
        self._break(chain, chain.json("checkpoint", "show", "web1", "a")["disks"][0])
        refused = chain("checkpoint", "restore", "web1", "a", "--checkpoint-first", "-o", "json")
        assert "'web1' was not restored, and has the checkpoint 'Before the restore of a (" in refused.error["message"]
        assert (len(names(chain)), chain.state("web1")) == (4, "Running")

    @pytest.mark.parametrize(
        ("words", "said"),
        [(["a"], "'web1' will be Off; --start starts it."), (["a", "--start"], None), (["b"], None)],
    )
    def test_another_state_is_announced(self, chain, no_change, words, said):
        with no_change():
            told = chain.ok("checkpoint", "restore", "web1", *words, "--dry-run")
        assert [line for line in told.err.splitlines() if "will be" in line] == ([said] if said else [])

    def test_a_start_that_fails_is_said(self, chain):
        chain.ok("vm", "stop", "web1", "--turn-off")
        chain.ok("vm", "create", "big", "--memory", "60G")
        chain.ok("vm", "start", "big")
        refused = chain("checkpoint", "restore", "web1", "b", "--yes", "--start", "-o", "json")
        assert refused.code == 1
        assert "'web1' is back at 'b', but: 'web1' did not start" in refused.error["message"]
        assert refused.data[0]["state"] == "Saved"

    def test_a_dry_run(self, chain, no_change):
        with no_change():
            shown = chain.ok("checkpoint", "restore", "web1", "a", "--dry-run", "--checkpoint-first")
        assert [word for word in ("Save-VM", "Checkpoint-VM", "Restore-VMSnapshot") if word not in shown.out] == []


class TestRename:
    def test_it_has_the_new_name(self, chain):
        (outcome,) = chain.json("checkpoint", "rename", "web1", "b", "it's: “B”")
        assert (outcome["name"], outcome["outcome"]) == ("it's: “B”", "changed")
        assert names(chain) == ["a", "it's: “B”", "c"]

    def test_the_same_name(self, chain):
        assert chain.json("checkpoint", "rename", "web1", "b", "b")[0]["outcome"] == "unchanged"

    def test_names_that_cannot_be(self, chain):
        assert chain("checkpoint", "rename", "web1", "b", "x" * 101).code == 2
        assert chain("checkpoint", "rename", "web1", "x", "y").code == 3


class TestDelete:
    @pytest.mark.parametrize(
        ("words", "left"),
        [
            (["b"], ["a", "c"]),
            (["a", "c"], ["b"]),
            (["[ab]"], ["c"]),
            (["b", "--subtree"], ["a"]),
            (["c", "a", "--subtree"], []),
            (["--all"], []),
        ],
    )
    def test_what_goes(self, chain, words, left):
        outcomes = chain.json("checkpoint", "delete", "web1", *words, "--yes")
        assert {each["outcome"] for each in outcomes} == {"changed"}
        assert sorted({"a", "b", "c"} - {each["name"] for each in outcomes}) == left
        assert names(chain) == left
        assert chain.state("web1") == "Running"

    def test_names_from_stdin(self, chain):
        chain.ok("checkpoint", "delete", "web1", "-", "--yes", stdin="a\nb\n")
        assert names(chain) == ["c"]

    def test_it_asks(self, chain):
        asked = chain("checkpoint", "delete", "web1", "a", "b", stdin="n\n", terminal=True)
        question = "Delete checkpoint 'a' of 'web1', checkpoint 'b' of 'web1' (with the memory in it) on lab? [y/N]"
        assert question in asked.err
        assert names(chain) == ["a", "b", "c"]

    def test_refused_before_anything(self, chain, no_change):
        with no_change():
            assert chain("checkpoint", "delete", "web1", "a").code == 2
            assert chain("checkpoint", "delete", "web1", "--yes").code == 2
            assert chain("checkpoint", "delete", "web1", "a", "--all", "--yes").code == 2
            missing = chain("checkpoint", "delete", "web1", "a", "x", "--yes")
        assert (missing.code, "'x'" in missing.err) == (3, True)

    def test_it_waits_for_the_merge(self, chain):
        configure(chain, merge=2)
        chain.ok("checkpoint", "delete", "web1", "a", "--yes")
        assert chain.host.value("Get-VM", "OperationalStatus", Name="web1") == ["Ok"]

    def test_it_need_not_wait(self, chain):
        configure(chain, merge=50)
        chain.ok("checkpoint", "delete", "web1", "--all", "--yes", "--no-wait")
        assert "MergingDisks" in chain.host.value("Get-VM", "OperationalStatus", Name="web1")

    def test_a_merge_that_does_not_end_in_time(self, chain):
        configure(chain, merge=10_000)
        late = chain("checkpoint", "delete", "web1", "a", "--yes", "--timeout", "1", "-o", "json")
        assert (late.code, late.data[0]["outcome"], late.data[0]["error"]["code"]) == (7, "failed", 7)
        assert "the host goes on with it" in late.error["message"]
        assert names(chain) == ["b", "c"]
