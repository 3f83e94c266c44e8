# A host in memory that can make a virtual machine: machines in the process, disks as files in HVCTL_TEST_FOLDER.

if ($null -eq [System.AppDomain]::CurrentDomain.GetData('machines')) {
    [System.AppDomain]::CurrentDomain.SetData('machines', [System.Collections.Generic.List[object]]::new())
    [System.AppDomain]::CurrentDomain.SetData('running', [System.Collections.Generic.List[object]]::new())
}

function Get-Machines { , [System.AppDomain]::CurrentDomain.GetData('machines') }

function Get-Running { , [System.AppDomain]::CurrentDomain.GetData('running') }

# Asking for the host empties it.
#region Get-VMHost
(Get-Machines).Clear()
(Get-Running).Clear()
#endregion

#region Get-VM
foreach ($machine in (Get-Machines).ToArray()) { if ($null -eq $Id -or $machine.Id -eq $Id) { $machine } }
#endregion

#region New-VM
$machine = [VirtualMachine]@{ Name = $Name; Id = [guid]::NewGuid() }
(Get-Machines).Add($machine)
$machine
#endregion

#region Remove-VM
foreach ($machine in $VM) {
    if ((Get-Running).Contains($machine.Id)) { throw "$($machine.Name) is running" }
    $null = (Get-Machines).Remove($machine)
}
#endregion

#region Start-VM
foreach ($machine in $VM) { (Get-Running).Add($machine.Id) }
#endregion

#region Stop-VM
foreach ($machine in $VM) { $null = (Get-Running).Remove($machine.Id) }
#endregion

#region New-VHD
$file = [System.IO.Path]::Combine($env:HVCTL_TEST_FOLDER, $Path[0].Split('\')[-1])
[System.IO.File]::WriteAllText($file, "$SizeBytes")
[pscustomobject]@{ Path = $file }
#endregion

#region Add-VMHardDiskDrive
if ($Passthru) { [HardDiskDrive]@{ Name = 'drive' } }
#endregion

#region Add-VMDvdDrive
if ($Passthru) { [DvdDrive]@{ Name = 'dvd' } }
#endregion

#region Get-VMDvdDrive
[DvdDrive]@{ Name = 'dvd' }
#endregion

#region Set-VMDvdDrive
return
#endregion

#region Get-VMNetworkAdapter
[VMNetworkAdapter]@{ Name = 'adapter' }
#endregion

#region Connect-VMNetworkAdapter
return
#endregion

#region Set-VMNetworkAdapterVlan
return
#endregion

#region Get-VMSwitch
[VMSwitch]@{ Name = 'lan' }
#endregion

#region Set-VM
return
#endregion

#region Set-VMFirmware
return
#endregion

#region Set-VMBios
return
#endregion

#region Get-VMFirmware
return
#endregion

#region Get-VMHardDiskDrive
return
#endregion
