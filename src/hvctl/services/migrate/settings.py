"""A host's part in moves: on, off, and how."""

from __future__ import annotations

from hvctl.models.migrate import MigrationChange, MigrationHost
from hvctl.powershell.batch import Call, Step, Value
from hvctl.services.plan import Part, Plan, make_plan


def plan_enable(change: MigrationChange, now: MigrationHost) -> Plan:
    """Let a host take part in moves, and set how; what is so already is not sent."""
    wanted: dict[str, tuple[Value, Value]] = {
        "VirtualMachineMigrationAuthenticationType": (change.authentication, now.authentication),
        "VirtualMachineMigrationPerformanceOption": (change.performance, now.performance),
        "UseAnyNetworkForMigration": (change.any_network, now.any_network),
        "MaximumVirtualMachineMigrations": (change.maximum, now.maximum),
    }
    parameters = {name: value for name, (value, known) in wanted.items() if value is not None and value != known}
    steps = [Step("settings", Call("Set-VMHost", parameters))] if parameters else []
    if not now.enabled:
        steps.append(Step("enable", Call("Enable-VMMigration")))
    return _plan("migrate enable", now, steps)


def plan_disable(now: MigrationHost) -> Plan:
    """Let a host take part in no moves."""
    steps = [Step("disable", Call("Disable-VMMigration"))] if now.enabled is not False else []
    return _plan("migrate disable", now, steps)


def _plan(verb: str, now: MigrationHost, steps: list[Step]) -> Plan:
    name = now.computer_name or now.host
    ids = tuple(step.id for step in steps)
    messages = dict.fromkeys(ids, f"The settings of {now.host} were not changed")
    return make_plan(verb, [Part(name, name, None, ids, messages=messages)], steps)
