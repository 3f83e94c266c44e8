"""What stands against moving virtual machines to a host, each in words with what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hvctl.errors import AccessError, ConflictError, HvctlError
from hvctl.models.migrate import Finding, MigrationHost, Move
from hvctl.services.migrate.look import BUSY, Parts, VmToMove
from hvctl.services.names import folded, in_quotes
from hvctl.services.vm.power import AT_REST, plain

MISSING_SWITCH = 33012
"""The number Compare-VM gives a switch that the destination lacks: the only one that Microsoft has published."""
LOGIN = (
    "run hvctl on {source} itself, or log in with --auth credssp; or let both hosts use Kerberos (hvctl migrate enable "
    "--authentication kerberos --host {source}, and --host {target}) and trust each other for delegation, as "
    "docs/migration.md says. --skip-login-check tries it all the same"
)
_MOVABLE = ("Running", "Paused", *AT_REST)
_DELEGATION = (
    "Kerberos is used: the accounts of both hosts must be trusted for delegation to each other, which cannot be seen "
    "from here"
)


@dataclass(frozen=True, slots=True)
class Route:
    """The two hosts of a move, and the login.

    Attributes:
        source: The host that machines leave.
        target: The host they go to.
        delegates: Whether the login on the source can be handed on; None where that is not to be looked at.
        leftover: The ids of planned machines that broken moves have left on the target, folded.
        switches: The names of the target's switches, by the folded name.
    """

    source: MigrationHost
    target: MigrationHost
    delegates: bool | None = True
    leftover: frozenset[str] = field(default_factory=frozenset)
    switches: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_delegation(self) -> bool:
        """Whether a move needs the login of this session on the other host."""
        return self.source.authentication == "CredSSP"


def host_findings(route: Route) -> Iterator[Finding]:
    """What stands against moving anything between two hosts."""
    for host in (route.source, route.target):
        yield from _settings_findings(host)
    if route.source.authentication != route.target.authentication:
        words = (
            f"it uses {route.source.authentication} and {route.target.host} {route.target.authentication}: both should "
            "use the same"
        )
        authentication = (route.source.authentication or "").lower()
        mend = f"hvctl migrate enable --authentication {authentication} --host {route.target.host}"
        yield _of_host(route.source, words, mend, blocks=False)
    if route.needs_delegation and route.delegates is False:
        mend = LOGIN.format(source=route.source.host, target=route.target.host)
        yield _of_host(route.source, "this login cannot be handed on to another host", mend)
    elif route.source.authentication == "Kerberos":
        yield _of_host(route.source, _DELEGATION, None, blocks=False)


def _settings_findings(host: MigrationHost) -> Iterator[Finding]:
    if host.enabled is False:
        yield _of_host(host, "it takes part in no moves", f"hvctl migrate enable --host {host.host}")
    elif host.any_network is False and not host.networks:
        mend = f"hvctl migrate enable --any-network --host {host.host}"
        yield _of_host(host, "it takes moves on no network", mend)


def _of_host(host: MigrationHost, words: str, mend: str | None, *, blocks: bool = True) -> Finding:
    return Finding(name=host.host, host=host.host, blocks=blocks, finding=words, mend=mend)


def vm_findings(vm: VmToMove, parts: Parts, route: Route, move: Move) -> Iterator[Finding]:
    """What stands against moving one virtual machine, besides what stands against them all."""
    if vm.clustered:
        yield _of_vm(vm, "a cluster owns it", "move its role: Move-ClusterVirtualMachineRole")
    if vm.is_moving:
        yield _of_vm(vm, "it is being moved at this moment", "wait until that has ended")
    elif vm.is_busy:
        # A planned machine that is found beside it may be in use, so it must not be cleared away now.
        words = ", ".join(word for word in vm.status if word != BUSY)
        yield _of_vm(vm, f"something else is being done with it{words and f' ({words})'}", "wait until that has ended")
    elif plain(vm.state) not in _MOVABLE:
        yield _of_vm(vm, f"it is {vm.state}", "wait until it is at rest or runs")
    if folded(vm.id) in route.leftover:
        words = f"a planned virtual machine of a move that broke off is on {route.target.host}"
        yield _of_vm(vm, words, "nothing: `hvctl migrate vm` removes it first", blocks=False)
    local = local_disks(parts)
    if local and not (move.shared or move.storage_path is not None):
        yield _of_vm(vm, f"its disks are on {vm.host} itself: {', '.join(local)}", storage_ways(vm.name))
    switches = list(_switch_findings(vm, parts, route, move))
    yield from switches
    told = any(finding.blocks for finding in switches) or any(parts.adapters.values())
    if parts.failure is not None:
        yield _of_vm(vm, parts.failure.message.rstrip("."), parts.failure.hint)
    for message_id, message in parts.objections:
        # Which switches are missing is known, with their names; those that are mapped are no obstacle.
        if message_id != MISSING_SWITCH or not told:
            words = message.strip().partition("\n")[0].strip()
            yield Finding(name=vm.name, host=vm.host, blocks=True, finding=words, message_id=message_id)


def _switch_findings(vm: VmToMove, parts: Parts, route: Route, move: Move) -> Iterator[Finding]:
    mapped = {folded(here): there for here, there in move.switches.items()}
    target = route.target.host
    for switch in dict.fromkeys(name for name in parts.adapters.values() if name):
        there = mapped.get(folded(switch), switch)
        if folded(there) in route.switches:
            continue
        names = ", ".join(route.switches.values())
        ways = [f"--map-switch {in_quotes(f'{switch}=NAME')}, where NAME is one of: {names}"] if names else []
        ways.append(f"hvctl switch create {in_quotes(there)} --host {target}")
        words = f"its switch '{switch}' is not on {target}"
        if folded(there) != folded(switch):
            words = f"the switch '{there}' that '{switch}' is mapped to is not on {target}"
        found = _of_vm(vm, words, "; or ".join(ways))
        yield found.model_copy(update={"message_id": MISSING_SWITCH})


def _of_vm(vm: VmToMove, words: str, mend: str | None, *, blocks: bool = True) -> Finding:
    return Finding(name=vm.name, host=vm.host, blocks=blocks, finding=words, mend=mend)


def refusal(findings: Sequence[Finding], host: str) -> HvctlError | None:
    """The error for what blocks all moves from a host; None where nothing does."""
    blocking = [finding for finding in findings if finding.blocks]
    if not blocking:
        return None
    first = blocking[0]
    words = "; ".join(f"{finding.name}: {finding.finding}" for finding in blocking)
    login = all("login" in finding.finding for finding in blocking)
    kind = AccessError if login else ConflictError
    return kind(f"Nothing can be moved from {host}: {words}.", hint=first.mend, host=host)


def vm_refusal(vm: VmToMove, findings: Sequence[Finding], target: str) -> HvctlError | None:
    """The error for what blocks the move of one virtual machine; None where nothing does."""
    blocking = [finding for finding in findings if finding.blocks]
    if not blocking:
        return None
    words = "; ".join(finding.finding.rstrip(".") for finding in blocking)
    mend = next((finding.mend for finding in blocking if finding.mend), None)
    return ConflictError(
        f"'{vm.name}' cannot be moved to {target}: {words}.", hint=mend, host=vm.host, object_name=vm.name
    )


def storage_ways(name: str) -> str:
    """The ways to say what becomes of a machine's local disks."""
    folder = in_quotes(rf"D:\VMs\{name}")
    return f"--storage-path {folder} moves them along; --shared says that both hosts see them"


def local_disks(parts: Parts) -> list[str]:
    """The disks that lie on the host itself, not on a share; one that is no file counts as such."""
    return [path or "a physical disk" for path in parts.disks if path is None or not path.startswith("\\\\")]
