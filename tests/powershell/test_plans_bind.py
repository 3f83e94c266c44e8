"""Every batch that the services can make, run by engine.ps1 in a real PowerShell: its binder takes every call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.engine import Answer, Engine
from tests.support.plans import DISK_FOLDER, FIELD_VALUES, HOST, PLANS, VERBS, calls, specs, whole_vm_create
from tests.support.pwsh import require_pwsh
from tests.support.wmi_calls import DESTROY, OTHER_FORMS, OTHER_OBJECTS, READ

from hvctl.models.migrate import Move
from hvctl.models.switch import SwitchCreate
from hvctl.models.vm import STATES, VmChange, VmCreate, VmRename
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.cmdlets import CMDLETS
from hvctl.services.migrate.look import objections_of, plan_compare
from hvctl.services.switch import plan_create as plan_create_switch
from hvctl.services.vm.change import plan_rename, plan_set
from hvctl.services.vm.create import plan_create
from hvctl.services.vm.power import Verb, plan_power, plan_restart
from hvctl.services.vm.read import VmSettings, VmState

pytestmark = pytest.mark.powershell

EXAMPLES = 16
"""Batches of each plan that Hypothesis draws."""
END = Step("the_end", Call("Get-VM", {"Id": str(uuid5(NAMESPACE_DNS, "nowhere"))}), expect="one")
"""A step that fails, so that what was done is taken back."""


class WillingHost:
    """An engine on stand-ins that have whatever a batch names; counts the calls of each cmdlet that came through."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.seen: Counter[str] = Counter()
        self._drawn: set[str] = set()

    def run(self, batch: Batch) -> None:
        """Run a batch to its end and take it back; every call must be accepted."""
        undoes = [step for step in batch.steps if step.undo is not None]
        steps = (*batch.steps, END) if undoes else batch.steps
        answer = self.answer(*steps)
        assert answer.errors == ([(END.id, "Hvctl.ExpectedOne")] if undoes else []), batch
        assert answer.done["undone"] == [step.id for step in reversed(undoes)]
        told = Step("calls", Call("Get-VMHost", {"ComputerName": ("calls",)}), select=(".",))
        made = Counter(self.engine.run(told).values("calls", "."))
        expected = Counter(call.cmdlet for call in calls(Batch(steps)))
        assert made == expected - _firmware_of_first_generation(batch), batch
        self.seen += made

    def answer(self, *steps: Step) -> Answer:
        """What the engine says of steps, on a host with what they name."""
        return self.engine.run(
            Step("the_world", Call("Get-VMHost", {"ComputerName": ("here", *_named(steps))})), *steps
        )

    def run_verb(self, verb: Verb | None) -> None:
        """Run a verb on machines in every state; without a verb restart them."""
        states = [*STATES, "SomethingNew"]
        vms = [VmState(id=str(uuid5(NAMESPACE_DNS, each)), name=each, host=HOST, state=each) for each in states]
        self.run((plan_power(verb, vms, HOST) if verb else plan_restart(vms, HOST)).batch)

    def run_drawn(self, name: str) -> None:
        """Run what Hypothesis draws for a plan, once."""
        if name in self._drawn:
            return
        self._drawn.add(name)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(PLANS[name])
        def judge(batch: Batch) -> None:
            self.run(batch)

        judge()


def _named(steps: Sequence[Step]) -> Iterator[str]:
    """What the host must have: the machines, checkpoints and switches that the steps refer to, by id or by name."""
    kinds = {"Get-CimInstance": "planned", "Get-VM": "vm", "Get-VMSnapshot": "snapshot", "Get-VMSwitch": "switch"}
    cmdlets = {step.id: step.call.cmdlet for step in steps}
    wanted: dict[tuple[str, str], str] = {}
    for step in steps:
        sources = [(step.call.cmdlet, step.where)] if step.expect != "none" else []
        refs = [*step.call.refs(), *(step.undo.refs() if step.undo else ())]
        sources += [(cmdlets[ref.step], ref.where) for ref in refs]
        for cmdlet, where in sources:
            for property_, texts in where.items():
                if cmdlet in kinds and property_ in ("Id", "Name"):
                    for text in (texts,) if isinstance(texts, str) else texts:
                        wanted[kinds[cmdlet], text] = property_
    if not any(kind == "vm" for kind, _ in wanted) and "New-VM" not in cmdlets.values():
        wanted["vm", "web1"] = "Name"
    for (kind, text), property_ in wanted.items():
        ident, name = (
            (text, f"the one with id {text}") if property_ == "Id" else (str(uuid5(NAMESPACE_DNS, text)), text)
        )
        yield f"vm {ident} 2 {name}" if kind == "vm" else f"{kind} {ident} {name}"
    yield from dict.fromkeys(_stored(steps))


def _stored(steps: Sequence[Step]) -> Iterator[str]:
    """The disks, pools and virtual disks that the steps refer to."""
    cmdlets = {step.id: step.call.cmdlet for step in steps}
    for step in steps:
        refs = [*step.call.refs(), *(step.undo.refs() if step.undo else ())]
        sources = [(step.call.cmdlet, step.where), *((cmdlets[ref.step], ref.where) for ref in refs)]
        for cmdlet, where in sources:
            texts = where.get("UniqueId", ())
            for text in (texts,) if isinstance(texts, str) else texts:
                yield f"storage MSFT_{cmdlet.partition('-')[2]} {text}"


def _firmware_of_first_generation(batch: Batch) -> Counter[str]:
    """What is skipped: a machine of generation 1 has no firmware to read."""
    generations = {step.call.parameters.get("Generation") for step in batch.steps}
    return Counter({"Get-VMFirmware": 1} if 1 in generations else {})


@pytest.fixture(scope="module")
def host(willing_modules: Path) -> Iterator[WillingHost]:
    require_pwsh()
    engine = Engine(willing_modules)
    yield WillingHost(engine)
    engine.close()


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_binds(host: WillingHost, name: str) -> None:
    host.run_drawn(name)


def test_every_cmdlet_of_the_allow_list_is_called(host: WillingHost) -> None:
    for name in PLANS:
        host.run_drawn(name)
    for verb in (*VERBS, None):
        host.run_verb(verb)
    assert set(host.seen) == set(CMDLETS)


SETTINGS = VmSettings(
    id=str(uuid5(NAMESPACE_DNS, "base")),
    name="base",
    host=HOST,
    state="Off",
    processors=3,
    memory=1 << 29,
    memory_minimum=1 << 28,
    memory_maximum=1 << 31,
    dynamic_memory=None,
    notes="old",
    automatic_start_action=None,
    automatic_start_delay=7,
    automatic_stop_action=None,
    checkpoint_type=None,
)


def planned(spec: Any) -> Batch:
    match spec:
        case VmCreate():
            return plan_create(spec, DISK_FOLDER).batch
        case VmChange():
            return plan_set([SETTINGS], spec, HOST).batch
        case VmRename():
            return plan_rename(SETTINGS, spec.new_name, [], HOST).batch
    assert isinstance(spec, SwitchCreate)
    return plan_create_switch(spec)


@pytest.mark.parametrize("model", FIELD_VALUES, ids=lambda model: model.__name__)
def test_every_value_of_every_field_binds(host: WillingHost, model: type[Any]) -> None:
    fields = set()
    for field, spec in specs(model):
        fields.add(field)
        host.run(planned(spec))
    assert fields == set(model.model_fields)


@pytest.mark.parametrize("verb", [*VERBS, None], ids=lambda verb: verb.name if verb else "vm restart")
def test_every_verb_binds_in_every_state(host: WillingHost, verb: Verb | None) -> None:
    host.run_verb(verb)


@pytest.mark.parametrize("generation", [1, 2])
def test_every_option_at_once_binds(host: WillingHost, generation: int) -> None:
    for changes in ({}, {"disk": None, "disk_path": None, "attach": r"C:\VMs\old.vhdx"}):
        host.run(planned(whole_vm_create(generation, **changes)))


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "error_id"),
    [
        ("Start-VM", {"Force": True}, "NamedParameterNotFound"),
        ("Start-VM", {"Name": "web1"}, "AmbiguousParameterSet"),
        ("Rename-VM", {}, "MissingMandatoryParameter"),
        ("Set-VM", {"MemoryStartupBytes": "much"}, "ParameterArgumentTransformationError"),
        ("Set-VM", {"CheckpointType": "Never"}, "ParameterArgumentTransformationError"),
        ("Remove-VM", {"VMName": ""}, "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
    ],
)
def test_a_wrong_call_does_not_bind(host: WillingHost, cmdlet: str, parameters: dict[str, Any], error_id: str) -> None:
    wrong = Step("wrong", Call(cmdlet, {"VM": Ref("vms", all=True), **parameters}))
    assert host.answer(Step("vms", Call("Get-VM")), wrong).errors == [("wrong", f"{error_id},{cmdlet}")]


def test_a_wrong_path_does_not_bind(host: WillingHost) -> None:
    """These two cmdlets are of a module of PowerShell's own, and are stand-ins here all the same."""
    for cmdlet in ("Remove-Item", "Test-Path"):
        wrong = Step("wrong", Call(cmdlet, {"LiteralPath": ()}))
        error_id = f"ParameterArgumentValidationErrorEmptyArrayNotAllowed,{cmdlet}"
        assert host.answer(wrong).errors == [("wrong", error_id)]


def invoke(host: WillingHost, parameters: dict[str, Any], *, as_undo: bool = False) -> Answer:
    """What the engine says of a call of Invoke-CimMethod, on a host with one planned machine."""
    world = {"id": "world", "cmdlet": "Get-VMHost", "parameters": {"ComputerName": ["here", "planned 1 web1"]}}
    call = {"cmdlet": "Invoke-CimMethod", "parameters": parameters}
    step = {"id": "invoke", **call}
    if as_undo:
        step = {"id": "invoke", "cmdlet": "Get-VM", "parameters": {}, "undo": call}
    end = {"id": "end", "cmdlet": "Get-VM", "parameters": {}, "expect": "one" if as_undo else "none"}
    return host.engine.answer(host.engine.start(steps=[world, *READ, step, end]))


def methods_run(host: WillingHost) -> int:
    told = Step("calls", Call("Get-VMHost", {"ComputerName": ("calls",)}), select=(".",))
    return host.engine.run(told).values("calls", ".").count("Invoke-CimMethod")


def test_the_one_method_of_wmi_runs(host: WillingHost) -> None:
    assert invoke(host, DESTROY).errors == []
    assert methods_run(host) == 1


@pytest.mark.parametrize("as_undo", [False, True])
@pytest.mark.parametrize("parameters", OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_no_other_method_of_wmi_is_let_through(host: WillingHost, parameters: dict[str, Any], as_undo: bool) -> None:
    before = methods_run(host)
    answer = invoke(host, parameters, as_undo=as_undo)
    assert answer.errors == [("invoke", "Hvctl.NotAllowed")]
    assert answer.error["category"] == "PermissionDenied"
    assert methods_run(host) == before


@pytest.mark.parametrize("as_undo", [False, True])
@pytest.mark.parametrize("parameters", OTHER_OBJECTS.values(), ids=OTHER_OBJECTS)
def test_the_method_runs_on_no_other_object(host: WillingHost, parameters: dict[str, Any], as_undo: bool) -> None:
    answer = invoke(host, parameters, as_undo=as_undo)
    assert answer.errors[-1] == ("invoke", "Hvctl.NotAllowed")
    assert methods_run(host) == 0


@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_what_a_compatibility_report_holds_is_read(host: WillingHost, lacking: int) -> None:
    ident = str(uuid5(NAMESPACE_DNS, "web1"))
    batch = plan_compare([ident], f"lacks {lacking}", Move(shared=True))
    told = [(33012, f"Could not find Ethernet switch '{number}'.") for number in range(1, lacking + 1)]
    answer = host.answer(*batch.steps)
    assert answer.errors == []
    assert list(objections_of(answer.data("report_0"))) == told
