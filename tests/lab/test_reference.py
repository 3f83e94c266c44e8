from __future__ import annotations

import json
from importlib import resources

import pytest

from hvctl.lab import cmdlets, reference
from hvctl.powershell.cmdlets import CMDLETS

pytestmark = pytest.mark.contract


def test_every_cmdlet_is_found_alone_as_in_the_whole_file() -> None:
    folder = resources.files("hvctl.lab").joinpath("contract")
    for file in reference.FILES:
        for name, entry in json.loads(folder.joinpath(file).read_text("utf-8"))["cmdlets"].items():
            facts = reference.load(name, "2025")
            assert facts is not None, name
            assert list(facts.parameters) == list(entry["parameters"]), name


def test_the_allow_list_is_in_the_reference_and_simulated() -> None:
    for cmdlet in CMDLETS:
        assert reference.load(cmdlet, "2016") is not None, cmdlet
        handler = cmdlets.handler(cmdlet)
        assert handler is not None, cmdlet


def test_handlers_heed_only_parameters_that_exist() -> None:
    for cmdlet in cmdlets.AREAS:
        facts, handler = reference.load(cmdlet, "2025"), cmdlets.handler(cmdlet)
        assert facts is not None
        assert handler is not None
        assert handler.parameters <= set(facts.parameters), cmdlet


def test_mandatory_switches_are_mandatory() -> None:
    facts = reference.load("New-VHD", "2025")
    assert facts is not None
    assert facts.parameters["Fixed"].mandatory == {"FixedWithoutSource", "FixedWithSource"}


def test_an_older_windows_lacks_newer_parameters_and_cmdlets() -> None:
    old, new = reference.load("New-VM", "2022"), reference.load("New-VM", "2025")
    assert old is not None
    assert new is not None
    assert set(new.parameters) - set(old.parameters) == {"GuestStateIsolationType", "SourceGuestStatePath"}
    assert reference.load("Add-VMAssignableDevice", "2016") is None
    assert reference.load("Get-Nothing", "2025") is None
