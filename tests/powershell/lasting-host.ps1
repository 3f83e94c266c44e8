# A host whose machines and switches outlive a PowerShell: they are in a file of the folder HVCTL_TEST_FOLDER.

$keptIn = [System.IO.Path]::Combine($env:HVCTL_TEST_FOLDER, 'host.json')

function Get-Kept {
    if ([System.IO.File]::Exists($keptIn)) { return [System.IO.File]::ReadAllText($keptIn) | ConvertFrom-Json }
    [pscustomobject]@{ Machines = @(); Switches = @() }
}

function Save-Kept($kept) { [System.IO.File]::WriteAllText($keptIn, ($kept | ConvertTo-Json -Depth 5)) }

function Set-Kept([string]$list, [guid]$id, [hashtable]$properties) {
    $kept = Get-Kept
    foreach ($each in $kept.$list) { if ([guid]$each.Id -eq $id) { foreach ($name in $properties.Keys) { $each.$name = $properties[$name] } } }
    Save-Kept $kept
}

function Add-Kept([string]$list, [hashtable]$properties) {
    $kept = Get-Kept
    $kept.$list = @($kept.$list) + [pscustomobject]$properties
    Save-Kept $kept
}

function Remove-Kept([string]$list, [guid]$id) {
    $kept = Get-Kept
    $kept.$list = @($kept.$list | Where-Object { [guid]$_.Id -ne $id })
    Save-Kept $kept
}

function Add-Properties($object, $properties) {
    foreach ($property in $properties.PSObject.Properties) {
        if ($property.Name -cnotin 'Id', 'Name') { $object.PSObject.Properties.Add([psnoteproperty]::new($property.Name, $property.Value)) }
    }
    $object
}

function Get-Machines {
    $always = [pscustomobject]@{
        CPUUsage = 0; DynamicMemoryEnabled = $false; Uptime = [timespan]::Zero; Heartbeat = $null; Status = 'Operating normally'
        Version = '12.0'; CreationTime = [datetime]::SpecifyKind([datetime]::new(2025, 1, 1), 'Utc'); Path = 'C:\VMs'; MemoryMinimum = 512MB
        MemoryMaximum = 1TB; AutomaticStartAction = 'StartIfRunning'; AutomaticStartDelay = [timespan]::Zero; AutomaticStopAction = 'Save'
        CheckpointType = 'Production'; AutomaticCheckpointsEnabled = $false; IsClustered = $false; ParentSnapshotId = $null
        OperationalStatus = @('Ok'); MemoryDemand = 0
    }
    foreach ($kept in (Get-Kept).Machines) {
        Add-Properties (Add-Properties ([VirtualMachine]@{ Id = $kept.Id; Name = $kept.Name }) $always) $kept
    }
}

function Get-Switches {
    $always = [pscustomobject]@{
        AllowManagementOS = $false; NetAdapterInterfaceDescriptions = $null; Notes = ''; BandwidthReservationMode = 'Absolute'
        EmbeddedTeamingEnabled = $false; IovEnabled = $false
    }
    foreach ($kept in (Get-Kept).Switches) { Add-Properties (Add-Properties ([VMSwitch]@{ Id = $kept.Id; Name = $kept.Name }) $always) $kept }
}

#region Get-VMHost
[pscustomobject]@{ VirtualHardDiskPath = 'C:\VMs\Virtual Hard Disks' }
#endregion

#region Get-VM
Get-Machines | Where-Object { $null -eq $Id -or $_.Id -eq $Id }
#endregion

#region New-VM
$made = [guid]::NewGuid()
Add-Kept 'Machines' @{ Id = $made; Name = $Name; Generation = $Generation; State = 'Off'; ProcessorCount = 1; MemoryStartup = $MemoryStartupBytes; MemoryAssigned = 0; Notes = ''; Adapter = [guid]::NewGuid() }
Get-Machines | Where-Object { $_.Id -eq $made }
#endregion

#region Remove-VM
foreach ($each in $VM) { Remove-Kept 'Machines' $each.Id }
#endregion

#region Start-VM
foreach ($each in $VM) { Set-Kept 'Machines' $each.Id @{ State = 'Running'; MemoryAssigned = $each.MemoryStartup } }
#endregion

#region Stop-VM
foreach ($each in $VM) { Set-Kept 'Machines' $each.Id @{ State = 'Off'; MemoryAssigned = 0 } }
#endregion

#region Rename-VM
foreach ($each in $VM) { Set-Kept 'Machines' $each.Id @{ Name = $NewName } }
#endregion

#region Set-VM
$changes = @{}
foreach ($name in 'Notes', 'ProcessorCount') { if ($PSBoundParameters.ContainsKey($name)) { $changes[$name] = $PSBoundParameters[$name] } }
foreach ($each in $VM) { Set-Kept 'Machines' $each.Id $changes }
#endregion

#region Get-VMNetworkAdapter
foreach ($each in $VM) {
    $id = "Microsoft:$($each.Id)\$($each.Adapter)".ToUpperInvariant().Replace('MICROSOFT', 'Microsoft')
    [pscustomobject]@{
        Id = $id; Name = 'Network Adapter'; VMId = $each.Id; VMName = $each.Name; SwitchName = ''; SwitchId = $null
        Connected = $false; MacAddress = '000000000000'; DynamicMacAddressEnabled = $true; IsLegacy = $false; IPAddresses = @()
    }
}
#endregion

#region Get-VMNetworkAdapterVlan
foreach ($each in $VM) {
    $id = "Microsoft:$($each.Id)\$($each.Adapter)".ToUpperInvariant().Replace('MICROSOFT', 'Microsoft')
    [pscustomobject]@{ ParentAdapter = [pscustomobject]@{ Id = $id }; OperationMode = 'Untagged'; AccessVlanId = 0 }
}
#endregion

#region Get-VMHardDiskDrive
return
#endregion

#region Get-VMDvdDrive
return
#endregion

#region Get-VMFirmware
foreach ($each in $VM) {
    $boot = [pscustomobject]@{ Description = 'EFI Network'; Device = [pscustomobject]@{ Path = $null } }
    [pscustomobject]@{ VMId = $each.Id; SecureBoot = 'On'; SecureBootTemplate = 'MicrosoftWindows'; BootOrder = @($boot) }
}
#endregion

#region Get-VMSwitch
Get-Switches | Where-Object { $null -eq $Id -or $Id -contains $_.Id }
#endregion

#region New-VMSwitch
$made = [guid]::NewGuid()
Add-Kept 'Switches' @{ Id = $made; Name = $Name; SwitchType = "$SwitchType" }
Get-Switches | Where-Object { $_.Id -eq $made }
#endregion

#region Remove-VMSwitch
foreach ($each in $VMSwitch) { Remove-Kept 'Switches' $each.Id }
#endregion

# Their parameters are of the classes that those of the others are made from.
#region Get-VMSnapshot
return
#endregion

#region Set-VMFirmware
return
#endregion
