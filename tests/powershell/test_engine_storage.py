"""Objects of a CDXML module such as Storage: the words that its types make of numbers, its errors, its odd values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.engine import Engine
from tests.support.pwsh import require_pwsh

from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.powershell

TYPE = "Microsoft.Management.Infrastructure.CimInstance#ROOT/Microsoft/Windows/Storage/MSFT_PhysicalDisk"
MANIFEST = """\
@{ ModuleVersion = '2.0.0.0'; RootModule = 'Storage.psm1'; TypesToProcess = @('Storage.types.ps1xml')
   FunctionsToExport = '*'; GUID = '6d6d7a4b-2f33-4b61-a8f5-d0c2b6f6f7a1' }
"""
# As in the module itself: a property of the types has the name of the raw one below it, and reads that.
TYPES = f"""\
<?xml version="1.0" encoding="utf-8"?>
<Types><Type><Name>{TYPE}</Name><Members>
  <ScriptProperty><Name>HealthStatus</Name><GetScriptBlock>
    switch ($this.PSBase.CimInstanceProperties['HealthStatus'].Value) {{ 0 {{ 'Healthy' }} 1 {{ 'Warning' }} }}
  </GetScriptBlock></ScriptProperty>
  <ScriptProperty><Name>OperationalStatus</Name><GetScriptBlock>
    foreach ($each in $this.PSBase.CimInstanceProperties['OperationalStatus'].Value) {{
        switch ($each) {{ 2 {{ 'OK' }} 3 {{ 'Degraded' }} 53251 {{ 'Incomplete' }} default {{ $each }} }}
    }}
  </GetScriptBlock></ScriptProperty>
  <ScriptProperty><Name>MediaType</Name><GetScriptBlock>
    [NoSuchModule.GeneratedTypes.MediaType]$this.PSBase.CimInstanceProperties['MediaType'].Value
  </GetScriptBlock></ScriptProperty>
  <AliasProperty><Name>Id</Name><ReferencedMemberName>UniqueId</ReferencedMemberName></AliasProperty>
</Members></Type></Types>
"""
MODULE = """\
class Raw { $Value; Raw($value) { $this.Value = $value } }
class Instance {
    [string]$UniqueId; [char]$DriveLetter; [uint64]$Size; [hashtable]$CimInstanceProperties
    Instance($id, $letter, $raw) {
        $this.UniqueId = $id; $this.DriveLetter = $letter; $this.Size = [uint64]::MaxValue
        $this.CimInstanceProperties = $raw
    }
}
function New-Disk($id, $letter, [uint16]$health, [uint16[]]$status) {
    $raw = @{ HealthStatus = [Raw]::new($health); OperationalStatus = [Raw]::new($status) }
    $raw['MediaType'] = [Raw]::new([uint16]4)
    $disk = [Instance]::new($id, $letter, $raw)
    $disk.PSObject.TypeNames.Insert(0, 'TYPE')
    $disk
}
function Get-PhysicalDisk {
    [CmdletBinding()] param($StoragePool, $CanPool)
    New-Disk 'a' 'D' 0 @(2)
    New-Disk 'b' ([char]0) 1 @(3, 53251)
}
function Write-Failure($cmdlet, $message, $id, [System.Management.Automation.ErrorCategory]$category, $target) {
    $exception = [System.Exception]::new($message)
    $cmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, $id, $category, $target))
}
function Get-StoragePool {
    [CmdletBinding()] param([string[]]$FriendlyName, $PhysicalDisk)
    if ($PhysicalDisk) { return $PhysicalDisk }
    $message = "No MSFT_StoragePool objects found with property 'FriendlyName' equal to '$FriendlyName'."
    Write-Failure $PSCmdlet $message 'CmdletizationQuery_NotFound_FriendlyName' 'ObjectNotFound' "$FriendlyName"
}
function New-VirtualDisk {
    [CmdletBinding()] param($InputObject)
    Write-Failure $PSCmdlet "Not Supported`r`n`r`nExtended information:`r`n..." 'StorageWMI 1' 'InvalidOperation' $null
}
Export-ModuleMember -Function Get-PhysicalDisk, Get-StoragePool, New-VirtualDisk
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    require_pwsh()
    root = tmp_path_factory.mktemp("cdxml")
    folder: Path = root / "Storage"
    folder.mkdir()
    for name, text in (("psd1", MANIFEST), ("types.ps1xml", TYPES), ("psm1", MODULE.replace("TYPE", TYPE))):
        (folder / f"Storage.{name}").write_text(text, encoding="utf-8-sig")
    engine = Engine(root)
    yield engine
    engine.close()


def test_the_words_of_the_types_are_what_is_returned(engine):
    answer = engine.run(Step("disks", Call("Get-PhysicalDisk"), select=("Id", "HealthStatus", "OperationalStatus")))
    assert answer.errors == []
    assert answer.data("disks") == [
        {"Id": "a", "HealthStatus": "Healthy", "OperationalStatus": "OK"},
        {"Id": "b", "HealthStatus": "Warning", "OperationalStatus": ["Degraded", "Incomplete"]},
    ]


def test_where_reads_the_words_too(engine):
    step = Step("disks", Call("Get-PhysicalDisk"), select=("UniqueId",), where={"OperationalStatus": "incomplete"})
    assert engine.run(step).values("disks", "UniqueId") == ["b"]


def test_a_script_that_fails_leaves_the_number(engine):
    answer = engine.run(
        Step("disks", Call("Get-PhysicalDisk"), select=("MediaType",)),
        Step("four", Call("Get-PhysicalDisk"), select=("UniqueId",), where={"MediaType": "4"}),
    )
    assert answer.values("disks", "MediaType") == [4, 4]
    assert answer.values("four", "UniqueId") == ["a", "b"]


def test_letters_and_large_numbers(engine):
    answer = engine.run(Step("disks", Call("Get-PhysicalDisk"), select=("DriveLetter", "Size", "Nothing")))
    assert answer.data("disks") == [
        {"DriveLetter": letter, "Size": (1 << 64) - 1, "Nothing": None} for letter in ("D", "\0")
    ]


def test_an_object_goes_on_to_the_next_cmdlet_as_it_is(engine):
    pool = Call("Get-StoragePool", {"PhysicalDisk": Ref("disks", where={"UniqueId": "b"})})
    answer = engine.run(Step("disks", Call("Get-PhysicalDisk")), Step("again", pool, select=("Id", "HealthStatus")))
    assert answer.data("again") == [{"Id": "b", "HealthStatus": "Warning"}]


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_its_errors_keep_their_ids(engine, on_error):
    missing = Step("pool", Call("Get-StoragePool", {"FriendlyName": "x"}), on_error=on_error)
    full = Step("disk", Call("New-VirtualDisk"), on_error=on_error)
    answer = engine.run(missing)
    assert answer.error["error_id"] == "CmdletizationQuery_NotFound_FriendlyName,Get-StoragePool"
    assert (answer.error["category"], answer.error["target"]) == ("ObjectNotFound", "x")
    answer = engine.run(full)
    assert (answer.error["error_id"], answer.error["category"]) == ("StorageWMI 1,New-VirtualDisk", "InvalidOperation")
    assert answer.error["hresult"] is None
