# The Storage module of the host that has whatever a plan names: disks, pools and virtual disks are what the test said and
# what is made.

function Add-Thing([string]$class) { New-Thing $class "new $class" }

function Get-Things([string]$class) {
    $found = @($willing.Storage.ToArray() | Where-Object { $_.Class -ceq $class })
    if ($found.Count -gt 0) { $found } else { New-Other $class }
}

function New-Other([string]$class) {
    $thing = New-Thing $class 'another'
    $willing.Storage.Remove($thing)
    $thing
}

function Remove-Things($things) { foreach ($thing in $things) { $willing.Storage.Remove($thing) } }

function Write-Missing($cmdlet, [string]$class, [string]$value) {
    $message = "No $class objects found with property 'UniqueId' equal to '$value'.  Verify the value of the property and retry."
    $exception = [System.InvalidOperationException]::new($message)
    $category = [System.Management.Automation.ErrorCategory]::ObjectNotFound
    $cmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'CmdletizationQuery_NotFound_UniqueId', $category, $value))
}

function Get-Named($cmdlet, [string]$class, [string[]]$ids) {
    if ($null -eq $ids) { return Get-Things $class }
    foreach ($id in $ids) {
        $found = @($willing.Storage.ToArray() | Where-Object { $_.Class -ceq $class -and $_.UniqueId -ceq $id })
        if ($found.Count -gt 0) { $found } else { Write-Missing $cmdlet $class $id }
    }
}

#region Get-StorageSubSystem
Get-Things 'MSFT_StorageSubSystem'
#endregion

#region Get-PhysicalDisk
Get-Things 'MSFT_PhysicalDisk'
#endregion

#region Get-StoragePool
Get-Named $PSCmdlet 'MSFT_StoragePool' $UniqueId
#endregion

#region New-StoragePool
foreach ($disk in @($PhysicalDisks) + @($InputObject)) { if ($disk.Class -cnotin 'MSFT_PhysicalDisk', 'MSFT_StorageSubSystem') { throw 'a wrong class' } }
Add-Thing 'MSFT_StoragePool'
#endregion

#region Remove-StoragePool
if ($ConfirmPreference -ne 'None') { throw 'it would ask' }
Remove-Things $InputObject
#endregion

#region Get-VirtualDisk
Get-Named $PSCmdlet 'MSFT_VirtualDisk' $UniqueId
#endregion

#region New-VirtualDisk
if ($InputObject[0].Class -cne 'MSFT_StoragePool') { throw 'a wrong class' }
Add-Thing 'MSFT_VirtualDisk'
#endregion

#region Remove-VirtualDisk
if ($ConfirmPreference -ne 'None') { throw 'it would ask' }
Remove-Things $InputObject
Remove-Things ($willing.Storage.ToArray() | Where-Object { $_.Class -ceq 'MSFT_Partition' })
#endregion

#region Get-VirtualDiskSupportedSize
New-Other 'PSCustomObject'
#endregion

#region Get-Disk
Get-Things 'MSFT_Disk'
#endregion

#region Get-Partition
Get-Things 'MSFT_Partition'
#endregion

#region New-Partition
Add-Thing 'MSFT_Partition'
#endregion

#region Remove-Partition
if ($ConfirmPreference -ne 'None') { throw 'it would ask' }
Remove-Things $InputObject
#endregion

#region Get-Volume
Get-Things 'MSFT_Volume'
#endregion

#region Format-Volume
if ($ConfirmPreference -ne 'None') { throw 'it would ask' }
New-Other 'MSFT_Volume'
#endregion
