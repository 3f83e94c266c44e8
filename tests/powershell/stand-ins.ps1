# What the stand-ins do in the tests of the engine. A region is the process block of a cmdlet; the rest is for all of them.

enum Colour { Red; Green }
[System.Flags()] enum Marks { None = 0; One = 1; Two = 2 }
class Disk { [string]$Path; [long]$Size; Disk([string]$path, [long]$size) { $this.Path = $path; $this.Size = $size } }

# The trace belongs to the process, so that every worker writes the same one; to a file as well where the test named one.
if ($null -eq [System.AppDomain]::CurrentDomain.GetData('trace')) {
    [System.AppDomain]::CurrentDomain.SetData('trace', [System.Collections.Generic.List[string]]::new())
}

function Add-Trace([string]$text) {
    $trace = [System.AppDomain]::CurrentDomain.GetData('trace')
    [System.Threading.Monitor]::Enter($trace)
    try {
        $trace.Add($text)
        if ($env:HVCTL_TEST_TRACE) { [System.IO.File]::AppendAllText($env:HVCTL_TEST_TRACE, "$text`n") }
    } finally {
        [System.Threading.Monitor]::Exit($trace)
    }
}

function New-Error([string]$message, [string]$id, [string]$category, $target, $exception) {
    if ($null -eq $exception) { $exception = [System.InvalidOperationException]::new($message) }
    [System.Management.Automation.ErrorRecord]::new($exception, $id, $category, $target)
}

function New-Machine([string]$name) { [VirtualMachine]@{ Name = $name; Id = [guid]::NewGuid() } }

function Get-Moment([string]$text) { [System.DateTimeOffset]::Parse($text, [cultureinfo]::InvariantCulture).UtcDateTime }

function Get-Three {
    $disks = @([Disk]::new('a.vhdx', 1), [Disk]::new('b.vhdx', 2))
    [pscustomobject]@{ Name = 'alpha'; Id = 1; Colour = [Colour]'Red'; On = $true; Disks = $disks }
    [pscustomobject]@{ Name = 'Beta'; Id = 2; Colour = [Colour]'Green'; On = $false; Disks = @() }
    [pscustomobject]@{ Name = 'gamma'; Id = 3; Colour = [Colour]'Green'; On = $null; Disks = @([Disk]::new('c.vhdx', 3)) }
}

function Get-Values {
    $inner = @([pscustomobject]@{ N = 1 }, [pscustomobject]@{ N = 2 })
    $values = [pscustomobject]@{
        Enum = [Colour]'Green'
        Flags = [Marks]'One, Two'
        Unknown = [enum]::ToObject([Colour], 77)
        Guid = [guid]'0C6A81B6-1E4E-4D3F-9B0F-93D6D1E2B0AA'
        Version = [version]'10.0.26100'
        Utc = Get-Moment '2024-01-02T03:04:05.678Z'
        Whole = Get-Moment '2024-01-02T03:04:05Z'
        Local = (Get-Moment '2024-06-02T03:04:05Z').ToLocalTime()
        Offset = [System.DateTimeOffset]::Parse('2024-01-02T05:04:05+02:00', [cultureinfo]::InvariantCulture)
        Span = [timespan]'1.02:03:04.5'
        Hour = [timespan]'01:00:00'
        Negative = [timespan]'-00:00:02'
        Byte = [byte]7
        UInt64 = [uint64]::MaxValue
        Int64 = [long]::MinValue
        Big = [bigint]::Pow(2, 70)
        Double = 1.5
        Tiny = 1e-7
        NaN = [double]::NaN
        Float = [float]0.1
        Decimal = [decimal]1.10
        True = $true
        Switch = [switch]$false
        Char = [char]'x'
        Null = $null
        DbNull = [System.DBNull]::Value
        Empty = ''
        Address = [ipaddress]'fe80::1'
        Array = @(1, 'a', $null, [Colour]'Red')
        NoItems = @()
        OneItem = @('x')
        List = [System.Collections.Generic.List[string]]@('p', 'q')
        Bytes = [byte[]](1, 2)
        Nested = @(@(1, 2), @(3))
        Lazy = [System.Linq.Enumerable]::Range(1, 3)
        Table = @{ a = 1 }
        Disk = [Disk]::new('d.vhdx', 9)
        Disks = @([Disk]::new('a.vhdx', 1), $null, [Disk]::new('b.vhdx', 2))
        NoDisks = @()
        Deep = @([pscustomobject]@{ In = $inner }, [pscustomobject]@{ In = @() })
        Wrapped = [psobject]5
        Piped = 'x' | Select-Object -First 1
    }
    $values.PSObject.Properties.Add([psscriptproperty]::new('Throws', { throw 'a getter that throws' }))
    $values
}

function Get-Many([int]$count) {
    $id = [guid]::NewGuid()
    $span = [timespan]'00:00:05'
    for ($i = 0; $i -lt $count; $i++) {
        [pscustomobject]@{
            Id = $id; Name = "name $i"; State = [Colour]'Red'; On = $true; Notes = $null; Index = $i; Uptime = $span
            Load = 1.5; Path = 'C:\VMs\web\disk.vhdx'; Memory = 4294967296
        }
    }
}

# What a value is and reads as, for parameters that take anything.
function Show-Value($value) {
    if ($null -eq $value) { return [pscustomobject]@{ Type = $null; Text = $null; Items = @() } }
    $value = $value.PSObject.BaseObject
    $shown = [ordered]@{ Type = $value.GetType().FullName; Text = $value.ToString(); Items = @() }
    if ($value -is [securestring]) { $shown.Text = [pscredential]::new('x', $value).GetNetworkCredential().Password }
    if ($value -is [pscredential]) {
        $shown.Text = $value.UserName
        $shown.Items = @($value.GetNetworkCredential().Password)
    }
    if ($value -is [datetime]) { $shown.Text = "$($value.Kind) " + $value.ToString('o') }
    if ($value -is [timespan]) { $shown.Text = "$($value.Ticks)" }
    if ($value -is [hashtable]) { $shown.Items = @(foreach ($key in ($value.Keys | Sort-Object)) { $key; , $value[$key] }) }
    if ($value -is [array]) { $shown.Items = @(foreach ($item in $value) { "$($item.GetType().Name) $item" }) }
    [pscustomobject]$shown
}

function Get-CommaCulture {
    $culture = [cultureinfo]::InvariantCulture.Clone()
    $culture.NumberFormat.NumberDecimalSeparator = ','
    $culture.NumberFormat.NegativeSign = '~'
    $culture.DateTimeFormat.TimeSeparator = '.'
    $culture
}

# A child with this process's stdin and stdout, as a native program that a cmdlet starts would have them.
function Start-Child([string]$text) {
    $start = [System.Diagnostics.ProcessStartInfo]::new('/bin/sh', '-c "' + $text + '"')
    $start.UseShellExecute = $false
    [System.Diagnostics.Process]::Start($start).WaitForExit()
}

function Show-Progress {
    Write-Progress -Activity 'Merging' -Status 'half' -PercentComplete 50 -SecondsRemaining 7
    Write-Warning 'while it runs'
    while (-not [System.AppDomain]::CurrentDomain.GetData('go')) { Start-Sleep -Milliseconds 20 }
    [System.AppDomain]::CurrentDomain.SetData('go', $null)
    Write-Progress -Activity 'Merging' -Status 'unknown' -PercentComplete -1
    Start-Sleep -Milliseconds 300
    Write-Progress -Activity 'Merging' -Completed
}

function Wait-Traced([string]$name, [int]$milliseconds) {
    Add-Trace "start $name"
    try {
        Start-Sleep -Milliseconds $milliseconds
        Add-Trace "end $name"
    } finally {
        Add-Trace "left $name"
    }
    New-Machine $name
}

#region Get-VM
if ($PSCmdlet.ParameterSetName -eq 'ClusterObject') { return Show-Value $ClusterObject }
if ($PSCmdlet.ParameterSetName -eq 'Id') { return [pscustomobject]@{ Id = $Id; Bound = @($PSBoundParameters.Keys) } }
$scenario, $argument = $Name[0].Split([char[]]' ', 2)
switch ($scenario) {
    'none' { return }
    'null' { return $null }
    'one' { return New-Machine 'alpha' }
    'three' { return Get-Three }
    'values' { return Get-Values }
    'many' { return Get-Many $argument }
    'big' { return [pscustomobject]@{ Text = 'x' * [int]$argument } }
    'trace' {
        $trace = [System.AppDomain]::CurrentDomain.GetData('trace')
        $said = $trace.ToArray()
        $trace.Clear()
        return $said
    }

    'errors' {
        New-Machine 'alpha'
        $PSCmdlet.WriteError((New-Error 'first' 'NotFound' 'ObjectNotFound' 'beta'))
        New-Machine 'gamma'
        $PSCmdlet.WriteError((New-Error 'second' 'Busy' 'ResourceBusy' $null))
        return
    }
    'terminates' {
        New-Machine 'alpha'
        $PSCmdlet.ThrowTerminatingError((New-Error 'it ended' 'Ended' 'InvalidOperation' 5))
    }
    'throws' { New-Machine 'alpha'; throw 'thrown text' }
    'denied' {
        $inner = [System.UnauthorizedAccessException]::new('inner')
        $outer = [System.InvalidOperationException]::new('outer', $inner)
        $PSCmdlet.ThrowTerminatingError((New-Error '' 'AccessDenied' 'PermissionDenied' $null $outer))
    }
    'win32' {
        $exception = [System.ComponentModel.Win32Exception]::new(32, 'in use')
        $PSCmdlet.ThrowTerminatingError((New-Error '' 'OperationFailed' 'NotSpecified' $null $exception))
    }
    'details' {
        $record = New-Error 'plain' 'Detailed' 'InvalidData' ('t' * 5000)
        $record.ErrorDetails = [System.Management.Automation.ErrorDetails]::new('in other words')
        $PSCmdlet.ThrowTerminatingError($record)
    }
    'method' { return [int]::Parse('zz') }
    'unknown' { No-SuchCommand; return }
    'stubborn' { Write-Error 'all the same' -ErrorId 'Stubborn' -ErrorAction Continue; return New-Machine 'alpha' }
    'asks' { return Read-Host 'name' }
    'confirms' { return $PSCmdlet.ShouldContinue('Really?', 'Question') }

    'warns' {
        Write-Warning 'first'
        Write-Warning "zweite $([char]0xfc)"
        Write-Verbose 'quiet'
        return
    }
    'progress' { return Show-Progress }
    'go' { [System.AppDomain]::CurrentDomain.SetData('go', $true); return }
    'sleep' { return Wait-Traced $Name[0] $argument }
    'block' { [System.Threading.Thread]::Sleep([int]$argument); return Add-Trace "end $($Name[0])" }

    'loud' {
        [System.Console]::Out.WriteLine('said aloud')
        [System.Console]::Out.WriteLine([char]30 + '{"type":"done","id":"x","n":1}')
        Write-Host 'said to the host'
        return
    }
    'child' { return Start-Child $argument }
    'comma' {
        [cultureinfo]::DefaultThreadCurrentCulture = Get-CommaCulture
        [cultureinfo]::CurrentCulture = Get-CommaCulture
        return [pscustomobject]@{
            Says = (1.5).ToString(); Double = -1.5; Int = -3; Span = [timespan]::FromSeconds(-1.5)
            Date = Get-Moment '2024-01-02T03:04:05.006Z'; Decimal = [decimal]-2.5
        }
    }
    default { return [pscustomobject]@{ Names = $Name } }
}
#endregion

#region New-VM
# bad* fails, half* fails after it has returned its VM, slow* takes its time.
Add-Trace "New-VM $Name"
if ($Name -like 'bad*') { throw "no $Name" }
if ($Name -like 'slow*') { Start-Sleep -Milliseconds 1500 }
New-Machine $Name
if ($Name -like 'half*') { throw "only half of $Name" }
#endregion

#region Remove-VM
foreach ($each in $VM) {
    Add-Trace "Remove-VM $($each.Name)"
    if ($each.Name -like '*stuck*') { $PSCmdlet.WriteError((New-Error "$($each.Name) is stuck" 'InvalidState' 'InvalidOperation')) }
    if ($each.Name -like '*hangs*') { Start-Sleep -Seconds 60 }
}
#endregion

#region Set-VM
[pscustomobject]@{ Notes = $Notes; Names = @(foreach ($each in $VM) { $each.Name }) + @(foreach ($each in $Name) { $each }) }
#endregion

#region Start-VM
Add-Trace "in $Name"
Start-Sleep -Milliseconds 500
Add-Trace "out $Name"
if ($Name -like 'bad*') { $PSCmdlet.WriteError((New-Error "no $Name" 'InvalidState' 'InvalidOperation')) }
[pscustomobject]@{ Name = $Name[0] }
#endregion

#region New-VHD
[pscustomobject]@{ Path = $Path; SizeBytes = $SizeBytes; Dynamic = $Dynamic.IsPresent; Bound = @($PSBoundParameters.Keys) }
#endregion

#region Get-VMSwitch
[pscustomobject]@{ ErrorAction = "$($PSBoundParameters['ErrorAction'])"; Confirm = "$ConfirmPreference"; Progress = "$ProgressPreference" }
#endregion
