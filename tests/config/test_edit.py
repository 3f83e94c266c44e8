"""Changes of the configuration file: what they come to, what stays, and who else may be writing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hvctl.config import edit, load
from hvctl.errors import ConflictError, HvctlError, UsageError

pytestmark = pytest.mark.unit

LAYOUTS = {
    "nothing": "",
    "tables": 'default = "hv01"\n[hosts.hv01]\naddress = "a" # c\n[hosts.hv02]\n[groups]\nprod = ["hv01", "hv02"]\n',
    "apart": 'default = "hv01"\n[hosts.hv01]\naddress = "a"\n\n[groups]\nprod = ["hv01", "hv02"]\n\n[hosts.hv02]\n',
    "inline": 'hosts = {hv01 = {address = "a"}, hv02 = {}}\ngroups = {prod = ["hv01", "hv02"]}\n',
    "half inline": '[hosts]\nhv01 = {address = "a"} # c\nhv02 = {}\n[groups]\nprod = [\n  "hv01", # 1\n  "hv02",\n]\n',
    "dotted": 'default = "hv01"\nhosts.hv01.address = "a"\nhosts.hv02.user = "u"\ngroups.prod = ["hv01", "hv02"]\n',
    "half dotted": '[hosts]\nhv01.address = "a"\nhv02.user = "u"\n[groups]\nprod = ["hv01", "hv02"]',
    "quoted": '[hosts."hv01"]\naddress = "a"\n[hosts.\'hv02\']\n[groups]\n"prod" = ["hv01", "hv02"]',
    "empty tables": "[hosts]\n[groups]\n",
    "empty inline": "hosts = {}\ngroups = {}\n",
    "groups first": '[groups]\nprod = ["hv01","hv02"]\n[hosts.hv01]\naddress="a"\n[hosts.hv02]',
}


def add_host(data: dict[str, Any], name: str, values: dict[str, Any]) -> None:
    entry = data["hosts"].setdefault(name, {})
    for key, value in values.items():
        entry.pop(key, None)
        if value is not None:
            entry[key] = value


def drop_hosts(data: dict[str, Any], names: list[str]) -> None:
    for name in names:
        data["hosts"].pop(name, None)
    for group, members in data["groups"].items():
        data["groups"][group] = [member for member in members if member not in names]
    if data.get("default") in names:
        del data["default"]


def add_to(data: dict[str, Any], group: str, names: list[str]) -> None:
    there = data["groups"].setdefault(group, [])
    there += [name for name in names if name not in there]


def drop_from(data: dict[str, Any], group: str, names: list[str]) -> None:
    if group in data["groups"]:
        data["groups"][group] = [member for member in data["groups"][group] if member not in names]


CHANGES: dict[str, tuple[Callable[..., None], Callable[[dict[str, Any]], object]]] = {
    "default": (partial(edit.set_default, name="lab"), lambda data: data.update(default="lab")),
    "no default": (partial(edit.set_default, name=None), lambda data: data.pop("default", None)),
    "add": (
        partial(edit.set_host, name="hv03", values={"address": "b", "verify": False}),
        partial(add_host, name="hv03", values={"address": "b", "verify": False}),
    ),
    "add bare": (partial(edit.set_host, name="h.ü'\"", values={}), partial(add_host, name="h.ü'\"", values={})),
    "set": (
        partial(edit.set_host, name="hv01", values={"user": "o'x\"\\", "address": None}),
        partial(add_host, name="hv01", values={"user": "o'x\"\\", "address": None}),
    ),
    "remove": (partial(edit.remove_hosts, names=["HV01"]), partial(drop_hosts, names=["hv01"])),
    "remove both": (partial(edit.remove_hosts, names=["hv02", "hv01"]), partial(drop_hosts, names=["hv01", "hv02"])),
    "more members": (
        partial(edit.add_members, group="prod", members=["lab/hv01", "hv01", "lab/hv01"]),
        partial(add_to, group="prod", names=["lab/hv01", "hv01"]),
    ),
    "a group": (partial(edit.add_members, group="test", members=["lab"]), partial(add_to, group="test", names=["lab"])),
    "fewer members": (
        partial(edit.remove_members, group="prod", members=["HV02"]),
        partial(drop_from, group="prod", names=["hv02"]),
    ),
    "no group": (partial(edit.remove_group, group="prod"), lambda data: data["groups"].pop("prod", None)),
}


def content(text: str) -> dict[str, Any]:
    data = tomllib.loads(text)
    data.setdefault("hosts", {})
    data.setdefault("groups", {})
    return data


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    layout=st.sampled_from(sorted(LAYOUTS)), names=st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=4)
)
def test_however_a_file_is_laid_out_a_change_is_that_change_alone(config, layout, names):
    config.write_text(LAYOUTS[layout], encoding="utf-8")
    expected = content(LAYOUTS[layout])
    for name in names:
        apply, imitate = CHANGES[name]
        edit.change(lambda document, _, apply=apply: apply(document))
        imitate(expected)
    assert content(config.read_text(encoding="utf-8")) == expected


COMMENTED = """\
# top

# about hv01
[hosts.hv01] # here
# in it
address = "a" # behind

# about hv02
[hosts.hv02]
user   =   'u'

[groups] # g
prod = [
  "hv01", # the first
  "hv02",
]
# end
"""


def test_comments_and_layout_stay(config):
    config.write_text(COMMENTED)
    edit.change(lambda document, _: edit.set_host(document, "hv02", {"user": "v"}))
    edit.change(lambda document, _: edit.remove_members(document, "prod", ["hv02"]))
    assert config.read_text() == COMMENTED.replace("'u'", '"v"').replace('  "hv02",\n', "")


def test_a_change_says_what_was_and_what_is(config):
    config.write_text("[hosts.a]\n")
    done = edit.change(lambda document, _: edit.set_host(document, "b", {}))
    assert (list(done.before.hosts), list(done.after.hosts), done.is_one) == (["a"], ["a", "b"], True)


def test_no_change_writes_nothing(config):
    config.write_text("[hosts.a]\n")
    before = config.stat()
    done = edit.change(lambda document, _: edit.set_host(document, "A", {}))
    assert not done.is_one
    assert (config.stat().st_ino, config.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("text", ["default = \n", "[hosts.hv01]\npasswort = 1\n", "[hosts.lab]\n"])
def test_what_cannot_be_read_is_not_written(config, text):
    config.write_text(text)
    with pytest.raises(UsageError, match="line"):
        edit.change(lambda document, _: edit.set_default(document, "lab"))
    assert config.read_text() == text


def test_what_could_not_be_read_afterwards_is_not_written(config):
    config.write_text("[hosts.a]\n")
    with pytest.raises(UsageError):
        edit.change(lambda document, _: edit.set_host(document, "a", {"verify": "no"}))
    assert config.read_text() == "[hosts.a]\n"


def test_a_change_that_is_refused_leaves_the_file_and_no_draft(config):
    config.write_text("[hosts.a]\n")

    def refuse(document: edit.Document, _: object) -> None:
        edit.set_default(document, "a")
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        edit.change(refuse)
    assert config.read_text() == "[hosts.a]\n"
    assert [path.name for path in config.parent.iterdir() if path.is_file()] == ["config.toml"]


def test_a_link_stays_a_link_and_the_file_keeps_its_rights(config, tmp_path):
    real = tmp_path / "dotfiles" / "hvctl.toml"
    real.parent.mkdir()
    real.write_text("# mine\n")
    real.chmod(0o640)
    config.symlink_to(real)
    edit.change(lambda document, _: edit.set_default(document, "lab"))
    assert config.is_symlink()
    assert real.read_text() == '# mine\ndefault = "lab"\n'
    assert real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["hvctl.toml"]


def test_a_new_file_is_the_user_s_alone(config):
    edit.change(lambda document, _: edit.set_default(document, "lab"))
    assert config.stat().st_mode & 0o077 == 0


def test_a_byte_order_mark_stays(config):
    config.write_bytes(b'\xef\xbb\xbfdefault = "x"\n')
    edit.change(lambda document, _: edit.set_default(document, "lab"))
    assert config.read_bytes() == b'\xef\xbb\xbfdefault = "lab"\n'


def test_what_an_editor_saves_meanwhile_is_not_lost(config):
    config.write_text("[hosts.a]\n")
    saved = iter(["[hosts.a]\n[hosts.mine]\n"])

    def apply(document: edit.Document, _: object) -> None:
        edit.set_host(document, "b", {})
        for text in saved:
            config.write_text(text)

    edit.change(apply)
    assert list(load().hosts) == ["a", "mine", "b"]


def test_a_file_that_never_rests(config):
    times: list[int] = []

    def apply(document: edit.Document, _: object) -> None:
        edit.set_default(document, "lab")
        times.append(1)
        config.write_text(f"# {len(times)}\n")

    with pytest.raises(HvctlError, match="written by another program"):
        edit.change(apply)
    assert config.read_text() == f"# {len(times)}\n"


WRITER = """
import sys
from hvctl.config import edit
for n in range(8):
    edit.change(lambda document, _: edit.set_host(document, f"{sys.argv[1]}{n}", {"user": "u"}))
"""


def test_processes_that_write_at_once_lose_nothing(config):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert sorted(load().hosts) == sorted(f"{name}{n}" for name in "abc" for n in range(8))


def test_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HVCTL_HOME", str(blocked / "home"))
    with pytest.raises(UsageError, match="cannot be"):
        edit.change(lambda document, _: edit.set_default(document, "lab"))


def test_a_full_disk_leaves_the_old_file(config, monkeypatch):
    config.write_text("[hosts.a]\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hvctl.config.edit.os.fsync", fail)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        edit.change(lambda document, _: edit.set_default(document, "lab"))
    assert config.read_text() == "[hosts.a]\n"
    assert [path.name for path in Path(config.parent).iterdir() if path.is_file()] == ["config.toml"]
