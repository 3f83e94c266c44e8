# A host that has whatever a plan names, so that every step of the plan is reached: machines and switches are what the test
# said and what is made, and every file or folder is there that is asked for as such. It notes the disks that are made
# and stay, and each call.

$domain = [System.AppDomain]::CurrentDomain
if ($null -eq $domain.GetData('willing')) {
    $domain.SetData('willing', [hashtable]::Synchronized(@{
        Machines = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Planned = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Snapshots = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Switches = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Disks = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Storage = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
        Calls = [System.Collections.ArrayList]::Synchronized([System.Collections.ArrayList]::new())
    }))
}
$willing = $domain.GetData('willing')

# The engine takes a module of PowerShell's own from PowerShell's folder, unless one of its name is loaded already.
$management = [System.IO.Path]::Combine([System.IO.Path]::GetDirectoryName($PSScriptRoot), 'Microsoft.PowerShell.Management')
if ([System.IO.Path]::GetFileName($PSScriptRoot) -eq 'Hyper-V') {
    Import-Module -Name ([System.IO.Path]::Combine($management, 'Microsoft.PowerShell.Management.psm1')) -Global
}

function Add-Properties($object, [hashtable]$properties) {
    foreach ($name in $properties.Keys) { $object.PSObject.Properties.Add([psnoteproperty]::new($name, $properties[$name])) }
    $object
}

function New-Machine([string]$id, [string]$name, [int]$generation) {
    $machine = Add-Properties ([VirtualMachine]@{ Id = $id; Name = $name }) @{ Generation = $generation; State = 'Off' }
    $null = $willing.Machines.Add($machine)
    $machine
}

function New-Switch([string]$id, [string]$name) {
    $switch = Add-Properties ([VMSwitch]@{ Id = $id; Name = $name }) @{ SwitchType = 'Private' }
    $null = $willing.Switches.Add($switch)
    $switch
}

# Something of WMI that says of which class it is, as a CIM instance does.
function New-CimThing([string]$class, [string]$name) {
    [pscustomobject]@{ Name = $name; CimSystemProperties = [pscustomobject]@{ ClassName = $class } }
}

# Something of the Storage module, with the type name of a CIM instance.
function New-Thing([string]$class, [string]$id) {
    $thing = [pscustomobject]@{
        UniqueId = $id; FriendlyName = "the one with id $id"; IsPrimordial = $false; Class = $class; Number = 7
        PartitionStyle = 'RAW'; DriveLetter = [char]0; AccessPaths = @("\\?\Volume{$id}\"); VirtualDiskSizeMax = [uint64]1TB
    }
    $thing.PSObject.TypeNames.Insert(0, "Microsoft.Management.Infrastructure.CimInstance#ROOT/Microsoft/Windows/Storage/$class")
    $null = $willing.Storage.Add($thing)
    $thing
}

function New-Part([type]$type, $machine) {
    $part = $type::new()
    $part.Name = $type.Name
    Add-Properties $part @{ VMId = $machine.Id; VMName = $machine.Name; Path = "C:\VMs\$($machine.Id).vhdx" }
}

# Asked with computer names, this one is told what there is: "vm ID GENERATION NAME", "switch ID NAME", "snapshot ID NAME" or "planned ID NAME"; or tells its calls.
#region Get-VMHost
if ($ComputerName -ccontains 'calls') { return $willing.Calls.ToArray() }
if ($ComputerName -ccontains 'disks') { return $willing.Disks.ToArray() }
if ($ComputerName -ccontains 'storage') { return $willing.Storage.ToArray() | ForEach-Object { "$($_.Class) $($_.UniqueId)" } }
if ($null -eq $ComputerName) { return [pscustomobject]@{ VirtualHardDiskPath = 'C:\Disks' } }
foreach ($list in $willing.Machines, $willing.Planned, $willing.Snapshots, $willing.Switches, $willing.Disks, $willing.Storage, $willing.Calls) { $list.Clear() }
foreach ($text in $ComputerName) {
    $kind, $rest = $text.Split([char[]]' ', 2)
    if ($kind -ceq 'vm') { $words = $rest.Split([char[]]' ', 3); $null = New-Machine $words[0] $words[2] $words[1] }
    if ($kind -ceq 'snapshot') { $null = $willing.Snapshots.Add($rest.Split([char[]]' ', 2)) }
    if ($kind -ceq 'planned') { $null = $willing.Planned.Add((New-CimThing 'Msvm_PlannedComputerSystem' $rest.Split([char[]]' ', 2)[1])) }
    if ($kind -ceq 'storage') { $words = $rest.Split([char[]]' ', 2); $null = New-Thing $words[0] $words[1] }
    if ($kind -ceq 'switch') { $words = $rest.Split([char[]]' ', 2); $null = New-Switch $words[0] $words[1] }
}
#endregion

#region Get-CimInstance
if ($ClassName -ceq 'Msvm_PlannedComputerSystem') { $willing.Planned.ToArray() } else { New-CimThing $ClassName 'vmms' }
#endregion

#region Invoke-CimMethod
$willing.Planned.Remove($Arguments['AffectedSystem'])
[pscustomobject]@{ ReturnValue = 0 }
#endregion

#region Compare-VM
# A destination whose name says so lacks that many switches; the adapter that each is about is the finding's source.
$lacking = if ($DestinationHost -match '^lacks (\d)$') { [int]$Matches[1] } else { 0 }
$found = for ($number = 1; $number -le $lacking; $number++) {
    $source = Add-Properties ([VMNetworkAdapter]::new()) @{ Id = "adapter $number" }
    [pscustomobject]@{ Message = "Could not find Ethernet switch '$number'."; MessageId = [long]33012; Source = $source }
}
Add-Properties ([VMCompatibilityReport]::new()) @{ VM = $VM; Incompatibilities = $(if ($lacking) { , @($found) } else { $null }) }
#endregion

#region Get-VM
foreach ($machine in $willing.Machines.ToArray()) { if ($null -eq $Id -or $machine.Id -eq $Id) { $machine } }
#endregion

#region New-VM
New-Machine ([guid]::NewGuid()) $Name $Generation
#endregion

#region Remove-VM
foreach ($machine in $VM) { $willing.Machines.Remove($machine) }
#endregion

#region Get-VMSwitch
foreach ($switch in $willing.Switches.ToArray()) { if ($null -eq $Id -or $Id -contains $switch.Id) { $switch } }
#endregion

#region New-VMSwitch
New-Switch ([guid]::NewGuid()) $Name
#endregion

#region New-VHD
$null = $willing.Disks.Add($Path[0])
[pscustomobject]@{ Path = $Path[0] }
#endregion

#region Get-VHD
$seen = [System.Collections.Generic.HashSet[string]]::new([System.StringComparer]::OrdinalIgnoreCase)
foreach ($each in $Path) { if ($seen.Add($each)) { [pscustomobject]@{ Path = $each; ParentPath = $null } } }
#endregion

#region Get-ChildItem
foreach ($each in $LiteralPath) { [pscustomobject]@{ FullName = "$each\a.vhdx"; Extension = '.vhdx' } }
#endregion

#region Convert-VHD
$null = $willing.Disks.Add($DestinationPath)
[pscustomobject]@{ Path = $DestinationPath }
#endregion

#region Test-VHD
foreach ($each in $Path) { $true }
#endregion

#region Add-VMHardDiskDrive
if ($Passthru) { New-Part HardDiskDrive $VM[0] }
#endregion

#region Add-VMDvdDrive
if ($Passthru) { New-Part DvdDrive $VM[0] }
#endregion

#region Get-VMHardDiskDrive
foreach ($machine in $VM) { New-Part HardDiskDrive $machine }
#endregion

#region Get-VMDvdDrive
foreach ($machine in $VM) { New-Part DvdDrive $machine }
#endregion

#region Get-VMNetworkAdapter
foreach ($machine in $VM) { New-Part VMNetworkAdapter $machine }
#endregion

#region Get-VMSnapshot
foreach ($words in $willing.Snapshots.ToArray()) {
    $snapshot = Add-Properties (New-Part VMSnapshot $VM[0]) @{ State = 'Saved' }
    $snapshot.Id = $words[0]
    $snapshot.Name = $words[1]
    $snapshot
}
if ($willing.Snapshots.Count -gt 0) { return }
foreach ($machine in $VM) { Add-Properties (New-Part VMSnapshot $machine) @{ HardDrives = @(New-Part HardDiskDrive $machine) } }
#endregion

#region Remove-Item
foreach ($each in $LiteralPath) { $willing.Disks.Remove($each) }
#endregion

#region Test-Path
foreach ($each in $LiteralPath) { $PSBoundParameters.ContainsKey('PathType') -or $willing.Disks.Contains($each) }
#endregion
