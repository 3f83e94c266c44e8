# Reads calls, one JSON array of them a line, and answers each line with one line of JSON: what PowerShell's binder makes
# of each call, without running anything that acts.
$lines = $input
Import-Module $env:HVCTL_TEST_MODULE
$invariant = [cultureinfo]::InvariantCulture
$objects = (Get-Module $env:HVCTL_TEST_MODULE).Invoke({ Get-Classes })

# A value travels as a text whose first letter says what it is, so that JSON changes none; a list as an array.
function ConvertTo-Value($given) {
    if ($given -is [array]) {
        $items = [object[]]::new($given.Length)
        for ($i = 0; $i -lt $items.Length; $i++) { $items[$i] = ConvertTo-Value $given[$i] }
        return , $items
    }
    $text = $given.Substring(1)
    switch -CaseSensitive ($given[0]) {
        't' { $text }
        'i' { [long]::Parse($text, $invariant) }
        'u' { [uint64]::Parse($text, $invariant) }
        'd' { [double]::Parse($text, $invariant) }
        'b' { $text -eq 'True' }
        'n' { $null }
        'o' { $objects[$text] }
        'D' { [datetime]::new([long]$text, 'Utc') }
        'S' { [timespan]::FromSeconds([double]::Parse($text, $invariant)) }
        's' { [securestring]::new() }
        'c' { [pscredential]::new($text, [securestring]::new()) }
        'h' { @{ $text = 1 } }
        default { throw "no value begins with $($given[0])" }
    }
}

# What was bound, as JSON can carry it: enums by name, objects by their class.
function ConvertFrom-Value($value) {
    if ($null -eq $value) { return $null }
    if ($value -is [array]) {
        $items = [object[]]::new($value.Length)
        for ($i = 0; $i -lt $items.Length; $i++) { $items[$i] = ConvertFrom-Value $value[$i] }
        return , $items
    }
    $value = $value.PSObject.BaseObject
    if ($value -is [switch]) { return $value.IsPresent }
    if ($value -is [bool] -or $value -is [long] -or $value -is [int] -or $value -is [int16] -or $value -is [uint16] -or
        $value -is [uint32] -or $value -is [uint64] -or $value -is [double]) { return $value }
    if ($value -is [datetime]) { return 't' + $value.ToUniversalTime().Ticks }
    't' + [string]::Format($invariant, '{0}', $value)
}

function Get-Answer($call) {
    $shell = [powershell]::Create([System.Management.Automation.RunspaceMode]::CurrentRunspace)
    $null = $shell.AddCommand($call.cmdlet)
    foreach ($pair in $call.parameters) { $null = $shell.AddParameter($pair[0], (ConvertTo-Value $pair[1])) }
    $bound = $null
    try { $bound = $shell.Invoke() } catch { $null = $_ }
    $reason = $shell.InvocationStateInfo.Reason
    $shell.Dispose()
    if ($null -ne $reason) {
        $record = $reason.ErrorRecord
        return @{ error = $record.FullyQualifiedErrorId; category = "$($record.CategoryInfo.Category)"; exception = $reason.GetType().FullName; message = $reason.Message }
    }
    $bound = $bound | Select-Object -Last 1
    if ($null -eq $bound -or $null -eq $bound.PSObject.Properties['Bound']) { return @{ accepted = $true } }
    $values = @{}
    foreach ($name in $bound.Bound.Keys) { $values[$name] = ConvertFrom-Value $bound.Bound[$name] }
    @{ set = $bound.Set; values = $values }
}

while ($lines.MoveNext()) {
    $answers = foreach ($call in (ConvertFrom-Json $lines.Current -NoEnumerate)) { , (Get-Answer $call) }
    [Console]::Out.WriteLine('answers ' + (ConvertTo-Json @($answers) -Compress -Depth 8))
}
