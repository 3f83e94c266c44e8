from __future__ import annotations

import pytest

from hvctl.lab import paths

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        (r"C:\VMs", r"C:\VMs"),
        ("C:/VMs/web1.vhdx", r"C:\VMs\web1.vhdx"),
        ("C:\\VMs\\\\a\\.\\b\\..\\c\\", r"C:\VMs\a\c"),
        ("C:", "C:\\"),
        ("C:\\..\\x", r"C:\x"),
        (r"\\server\share\x", r"\\server\share\x"),
        ("C:\\VMs. \\x ", r"C:\VMs\x"),
    ],
)
def test_normalize(path: str, normal: str) -> None:
    assert paths.normalize(path) == normal


def test_case_and_slashes_do_not_tell_paths_apart() -> None:
    assert paths.key("c:/vms/ÄRGER.vhdx") == paths.key(r"C:\VMs\ärger.VHDX")


@pytest.mark.parametrize("path", ["web1.vhdx", r"\VMs\x", r"C:\a?b", r"C:\a:b", 'C:\\a"b', ""])
def test_what_is_not_a_full_valid_path(path: str) -> None:
    assert not paths.is_valid(path)


def test_parts() -> None:
    assert paths.parent(r"C:\VMs\x.vhdx") == r"C:\VMs"
    assert paths.parent("C:\\") == "C:\\"
    assert paths.name(r"C:\VMs\x.VHDX") == "x.VHDX"
    assert paths.suffix(r"C:\VMs.d\x.VHDX") == ".vhdx"
    assert paths.suffix(r"C:\VMs.d\x") == ""
    assert paths.join("C:\\", "VMs", "a.iso") == r"C:\VMs\a.iso"
