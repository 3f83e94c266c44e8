# hvctl's engine: runs cmdlet calls that arrive as data and answers in JSON lines. docs/protocol.md describes both.
#
# What a request carries never becomes script text: a cmdlet is looked up in the table below and called by name through
# the pipeline API, its parameters are bound as values, and what it returns is read property by property. There is no
# Invoke-Expression, no script block made from text and no Add-Type in here.
#
# This one script runs in two runspaces that share the table $engine:
#   main     reads requests, answers ping, status, replay and cancel at once, and hands batches over;
#   driver   runs one batch at a time. Each cmdlet runs in a worker runspace, which holds nothing of this script, while
#            the driver polls its streams: so warnings and progress reach the client while the cmdlet runs.
# Every frame goes out as one write under one lock.
#
# Windows PowerShell 5.1 syntax, .NET Framework 4.6, pure ASCII.
param($requests, $engineHash, $nonce, $engine)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$allowList = @{
    'Add-VMDvdDrive' = 'Hyper-V'
    'Add-VMHardDiskDrive' = 'Hyper-V'
    'Checkpoint-VM' = 'Hyper-V'
    'Compare-VM' = 'Hyper-V'
    'Connect-VMNetworkAdapter' = 'Hyper-V'
    'Convert-VHD' = 'Hyper-V'
    'Disable-VMMigration' = 'Hyper-V'
    'Enable-VMMigration' = 'Hyper-V'
    'Format-Volume' = 'Storage'
    'Get-ChildItem' = 'Microsoft.PowerShell.Management'
    'Get-CimInstance' = 'CimCmdlets'
    'Get-Disk' = 'Storage'
    'Get-Partition' = 'Storage'
    'Get-PhysicalDisk' = 'Storage'
    'Get-StorageJob' = 'Storage'
    'Get-StoragePool' = 'Storage'
    'Get-StorageSubSystem' = 'Storage'
    'Get-VHD' = 'Hyper-V'
    'Get-VM' = 'Hyper-V'
    'Get-VMDvdDrive' = 'Hyper-V'
    'Get-VMFirmware' = 'Hyper-V'
    'Get-VMHardDiskDrive' = 'Hyper-V'
    'Get-VMHost' = 'Hyper-V'
    'Get-VMMigrationNetwork' = 'Hyper-V'
    'Get-VMNetworkAdapter' = 'Hyper-V'
    'Get-VMNetworkAdapterVlan' = 'Hyper-V'
    'Get-VMSnapshot' = 'Hyper-V'
    'Get-VMSwitch' = 'Hyper-V'
    'Get-VirtualDisk' = 'Storage'
    'Get-VirtualDiskSupportedSize' = 'Storage'
    'Get-Volume' = 'Storage'
    'Initialize-Disk' = 'Storage'
    'Invoke-CimMethod' = 'CimCmdlets'
    'Merge-VHD' = 'Hyper-V'
    'Move-VM' = 'Hyper-V'
    'Move-VMStorage' = 'Hyper-V'
    'New-Partition' = 'Storage'
    'New-StoragePool' = 'Storage'
    'New-VHD' = 'Hyper-V'
    'New-VM' = 'Hyper-V'
    'New-VMSwitch' = 'Hyper-V'
    'New-VirtualDisk' = 'Storage'
    'Remove-Item' = 'Microsoft.PowerShell.Management'
    'Remove-Partition' = 'Storage'
    'Remove-StoragePool' = 'Storage'
    'Remove-VM' = 'Hyper-V'
    'Remove-VMSnapshot' = 'Hyper-V'
    'Remove-VMSwitch' = 'Hyper-V'
    'Remove-VirtualDisk' = 'Storage'
    'Rename-VM' = 'Hyper-V'
    'Rename-VMSnapshot' = 'Hyper-V'
    'Repair-VirtualDisk' = 'Storage'
    'Resize-VHD' = 'Hyper-V'
    'Resize-VirtualDisk' = 'Storage'
    'Restart-VM' = 'Hyper-V'
    'Restore-VMSnapshot' = 'Hyper-V'
    'Resume-VM' = 'Hyper-V'
    'Save-VM' = 'Hyper-V'
    'Set-VM' = 'Hyper-V'
    'Set-VMBios' = 'Hyper-V'
    'Set-VMDvdDrive' = 'Hyper-V'
    'Set-VMFirmware' = 'Hyper-V'
    'Set-VMHardDiskDrive' = 'Hyper-V'
    'Set-VMHost' = 'Hyper-V'
    'Set-VMNetworkAdapterVlan' = 'Hyper-V'
    'Start-VM' = 'Hyper-V'
    'Stop-VM' = 'Hyper-V'
    'Suspend-VM' = 'Hyper-V'
    'Test-Path' = 'Microsoft.PowerShell.Management'
    'Test-VHD' = 'Hyper-V'
}

$protocolVersion = 1
$maxSideBySide = 16
$pollMilliseconds = 100
$stopGraceSeconds = 5        # for a cmdlet that is stopped; after that it is left to itself
$undoGraceSeconds = 45       # for the undo past the deadline; the client waits a minute
$warmUpSeconds = 20
$defaultSilenceSeconds = 120
$keptBytesLimit = 32MB       # of answers that no client has acknowledged yet
$targetTextLimit = 1000
$recordsAtOnce = 100
$frameMark = [string][char]30

$cimRule = 'Of all methods of WMI, hvctl may run DestroySystem on planned virtual machines alone.'
$invariant = [System.Globalization.CultureInfo]::InvariantCulture
$ignoreCase = [System.StringComparer]::OrdinalIgnoreCase

# --- JSON in: strict, and exact for every string ------------------------------------------------------------------------
# ConvertFrom-Json turns text that looks like a date into a date, and the framework's reader takes what is not JSON.

$jsonToken = [regex]::new('\G[ \t\r]*(?:([{}\[\],:])' +
    '|"((?>(?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*))"' +
    '|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)' +
    '|(true|false|null))[ \t\r]*')
$jsonEscapes = @{
    [char]'"' = '"'; [char]'\' = '\'; [char]'/' = '/'; [char]'b' = "`b"; [char]'f' = "`f"
    [char]'n' = "`n"; [char]'r' = "`r"; [char]'t' = "`t"
}

function ConvertFrom-JsonLine([string]$text) {
    $open = [System.Collections.Generic.Stack[object]]::new()
    $root = $null; $current = $null; $key = $null
    $next = 'value'; $fresh = $false; $end = 0
    foreach ($token in $jsonToken.Matches($text)) {
        $end = $token.Index + $token.Length
        if ($token.Groups[2].Success) {
            $value = $token.Groups[2].Value
            if ($value.IndexOf([char]'\') -ge 0) { $value = ConvertFrom-JsonEscape $value }
            if ($next -ceq 'key') { $key = $value; $next = 'colon'; continue }
        } elseif ($token.Groups[1].Success) {
            $mark = $token.Groups[1].Value
            if ($mark -ceq ',' -and $next -ceq 'comma') {
                $fresh = $false
                if ($current -is [System.Collections.Generic.List[object]]) { $next = 'value' } else { $next = 'key' }
                continue
            }
            if ($mark -ceq ':' -and $next -ceq 'colon') { $next = 'value'; continue }
            if ($mark -ceq ']' -or $mark -ceq '}') {
                $isList = $current -is [System.Collections.Generic.List[object]]
                $closes = $null -ne $current -and ($mark -ceq ']') -eq $isList
                if (-not $closes -or -not ($fresh -or $next -ceq 'comma')) { throw 'a bracket stands where it must not' }
                $current = $open.Pop(); $fresh = $false
                if ($null -eq $current) { $next = 'end' } else { $next = 'comma' }
                continue
            }
            if ($mark -ceq '[') { $value = [System.Collections.Generic.List[object]]::new() }
            elseif ($mark -ceq '{') { $value = [System.Collections.Generic.Dictionary[string, object]]::new() }
            else { throw 'a comma or colon stands where it must not' }
        } elseif ($token.Groups[3].Success) {
            $value = ConvertFrom-JsonNumber $token.Groups[3].Value
        } else {
            $value = switch ($token.Groups[4].Value) { 'true' { $true } 'false' { $false } default { $null } }
        }
        if ($next -cne 'value') { throw 'a value stands where it must not' }
        if ($null -eq $current) { $root = $value; $next = 'end' }
        elseif ($current -is [System.Collections.Generic.List[object]]) { $current.Add($value); $next = 'comma' }
        else { $current.Add($key, $value); $next = 'comma' }
        $fresh = $false
        if ($token.Groups[1].Success) {
            $open.Push($current); $current = $value; $fresh = $true
            if ($mark -ceq '[') { $next = 'value' } else { $next = 'key' }
        }
    }
    if ($next -cne 'end' -or $end -ne $text.Length) { throw 'the line is not one JSON document' }
    , $root
}

function ConvertFrom-JsonEscape([string]$text) {
    $builder = [System.Text.StringBuilder]::new($text.Length)
    $at = 0
    while (($slash = $text.IndexOf([char]'\', $at)) -ge 0) {
        $null = $builder.Append($text, $at, $slash - $at)
        $letter = $text[$slash + 1]
        if ($letter -ceq [char]'u') {
            $null = $builder.Append([char][System.Convert]::ToInt32($text.Substring($slash + 2, 4), 16))
            $at = $slash + 6
        } else {
            $null = $builder.Append($jsonEscapes[$letter])
            $at = $slash + 2
        }
    }
    $builder.Append($text, $at, $text.Length - $at).ToString()
}

function ConvertFrom-JsonNumber([string]$text) {
    $whole = [long]0
    $signed = [System.Globalization.NumberStyles]::AllowLeadingSign
    if ([long]::TryParse($text, $signed, $invariant, [ref]$whole)) { return $whole }
    $large = [uint64]0
    if ([uint64]::TryParse($text, [System.Globalization.NumberStyles]::None, $invariant, [ref]$large)) { return $large }
    [double]::Parse($text, [System.Globalization.NumberStyles]::Float, $invariant)
}

# --- JSON out: values flattened as the protocol says, ASCII, the same in every culture ------------------------------------

$jsonUnsafe = [regex]::new('[^\x20-\x7e]|["\\]')

function Add-JsonText($builder, [string]$text) {
    $null = $builder.Append('"')
    $at = 0
    foreach ($match in $jsonUnsafe.Matches($text)) {
        $code = ([int]$text[$match.Index]).ToString('x4', $invariant)
        $null = $builder.Append($text, $at, $match.Index - $at).Append('\u').Append($code)
        $at = $match.Index + 1
    }
    $null = $builder.Append($text, $at, $text.Length - $at).Append('"')
}

function Add-JsonValue($builder, $value) {
    if ($value -is [enum]) { $value = $value.ToString() }
    if ($value -is [string]) {
        if ($jsonUnsafe.IsMatch($value)) { Add-JsonText $builder $value }
        else { $null = $builder.Append('"').Append($value).Append('"') }
    } elseif ($null -eq $value) {
        $null = $builder.Append('null')
    } elseif (Test-Collection $value) {
        $separator = '['
        foreach ($item in (Get-Items $value)) {
            $null = $builder.Append($separator)
            $separator = ','
            Add-JsonValue $builder $item
        }
        $null = $builder.Append($(if ($separator -ceq '[') { '[]' } else { ']' }))
    } else {
        $plain = ConvertTo-Plain $value
        if ($null -eq $plain) { $null = $builder.Append('null') }
        elseif ($plain -is [bool]) { $null = $builder.Append($(if ($plain) { 'true' } else { 'false' })) }
        elseif ($plain -is [string]) { Add-JsonText $builder $plain }
        elseif ($plain -is [double]) { $null = $builder.Append($plain.ToString('R', $invariant)) }
        else { $null = $builder.Append($plain.ToString($invariant)) }
    }
}

function Add-JsonMembers($builder, [System.Collections.IDictionary]$fields) {
    $separator = ''
    foreach ($name in $fields.Keys) {
        $null = $builder.Append($separator)
        $separator = ','
        Add-JsonText $builder $name
        $null = $builder.Append(':')
        if ($fields[$name] -is [System.Collections.IDictionary]) {
            $null = $builder.Append('{')
            Add-JsonMembers $builder $fields[$name]
            $null = $builder.Append('}')
        } else {
            Add-JsonValue $builder $fields[$name]
        }
    }
}

function Format-Members([System.Collections.IDictionary]$fields) {
    $builder = [System.Text.StringBuilder]::new()
    Add-JsonMembers $builder $fields
    $builder.ToString()
}

function Format-Text([string]$text) {
    $builder = [System.Text.StringBuilder]::new()
    Add-JsonText $builder $text
    $builder.ToString()
}

# A value that is no collection, as one of: null, bool, string, double, decimal or a whole number.
function ConvertTo-Plain($value) {
    if ($null -eq $value -or $value -is [string] -or $value -is [bool]) { return $value }
    if ($value -is [enum]) { return $value.ToString() }
    if ($value -is [int] -or $value -is [long] -or $value -is [uint32] -or $value -is [uint64] -or $value -is [int16] -or
        $value -is [uint16] -or $value -is [byte] -or $value -is [sbyte] -or $value -is [decimal] -or
        $value -is [bigint]) { return $value }
    if ($value -is [timespan]) { return [decimal]$value.Ticks / 10000000 }
    if ($value -is [datetime]) { return ConvertTo-IsoText $value }
    if ($value -is [System.DateTimeOffset]) { return ConvertTo-IsoText $value.UtcDateTime }
    if ($value -is [switch]) { return $value.IsPresent }
    if ($value -is [float]) { $value = [double]::Parse($value.ToString('R', $invariant), $invariant) }
    if ($value -is [double]) {
        if ([double]::IsNaN($value) -or [double]::IsInfinity($value)) { return $value.ToString($invariant) }
        return $value
    }
    if ($value -is [System.DBNull]) { return $null }
    try { [string]::Format($invariant, '{0}', $value) } catch { $null }
}

function ConvertTo-IsoText([datetime]$value) {
    $value.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ss.FFFFFF', $invariant) + 'Z'
}

function Test-Collection($value) {
    $value -is [System.Collections.IEnumerable] -and $value -isnot [string] -and $value -isnot [System.Collections.IDictionary]
}

function Get-Items($collection) {
    $items = [System.Collections.Generic.List[object]]::new()
    try { foreach ($item in $collection) { $items.Add($item) } } catch { $items.Clear() }
    , $items
}

# --- Properties of live objects -------------------------------------------------------------------------------------------
# Functions that give back a collection wrap it (`, $value`), for PowerShell would unroll it.

# A path's value as it is: null where it is missing or throws, a list where the path leads through a collection.
function Get-PathValue($object, [string[]]$path, [int]$from) {
    $value = $object
    for ($i = $from; $i -lt $path.Length; $i++) {
        if ($null -eq $value) { break }
        if ($i -gt 0 -and (Test-Collection $value)) {
            $values = [System.Collections.Generic.List[object]]::new()
            foreach ($item in (Get-Items $value)) { $values.Add((Get-PathValue $item $path $i)) }
            return , $values
        }
        $value = Get-PropertyValue $value $path[$i]
    }
    , $value
}

function Get-PropertyValue($object, [string]$name) {
    try {
        $property = $object.PSObject.Properties[$name]
        if ($null -ne $property) {
            $value = $property.Value
            if ($null -eq $value -and $property -is [System.Management.Automation.PSScriptProperty]) { return , (Get-RawValue $object $name) }
            return , $value
        }
    } catch {
        return , $null
    }
    , $null
}

# The types of the Storage module make words of the numbers of CIM instances by scripts. Where such a script has no word,
# or fails, as one may outside of its module's own runspace, the number is better than nothing.
function Get-RawValue($object, [string]$name) {
    try { , $object.PSObject.BaseObject.CimInstanceProperties[$name].Value } catch { , $null }
}

# What a value reads as for `where`: one text, or one for each item of a collection.
function Get-Texts($value) {
    if (Test-Collection $value) {
        foreach ($item in (Get-Items $value)) { Get-Texts $item }
        return
    }
    $plain = ConvertTo-Plain $value
    if ($plain -is [string]) { $plain }
    elseif ($plain -is [bool]) { $plain.ToString() }
    elseif ($null -ne $plain) { $plain.ToString($invariant) }
}

function Test-Where($object, $where) {
    foreach ($condition in $where) {
        $found = $false
        foreach ($text in @(Get-Texts (Get-PathValue $object $condition.Path 0))) {
            if ($condition.Texts.Contains($text)) { $found = $true; break }
        }
        if (-not $found) { return $false }
    }
    $true
}

function Select-Objects($objects, $where) {
    $left = [System.Collections.Generic.List[object]]::new()
    foreach ($object in $objects) {
        if ($null -ne $object -and ($where.Count -eq 0 -or (Test-Where $object $where))) { $left.Add($object) }
    }
    , $left
}

# --- Frames ---------------------------------------------------------------------------------------------------------------
# An answer is all that was said about one request id. It is kept, as written, until a client acknowledges it.

function Invoke-Locked($action) {
    [System.Threading.Monitor]::Enter($engine.Out)
    try { & $action } finally { [System.Threading.Monitor]::Exit($engine.Out) }
}

function Write-Bytes([byte[]]$bytes) {
    # That nobody reads any more is not told by a failing write but by the end of stdin.
    try { $engine.Out.Write($bytes, 0, $bytes.Length); $engine.Out.Flush() } catch { return }
}

# A frame that belongs to no answer: hello, pong, state, and errors of the session.
function Send-Notice([string]$type, [string]$id, [System.Collections.IDictionary]$fields) {
    $head = $frameMark + '{"type":"' + $type + '","id":' + (Format-Text $id) + ',"n":0'
    if ($fields.Count -gt 0) { $head += ',' + (Format-Members $fields) }
    $bytes = [System.Text.Encoding]::ASCII.GetBytes($head + "}`n")
    Invoke-Locked { Write-Bytes $bytes }
}

function Send-Frame($answer, [string]$type, [string]$members) { Send-Frames $answer $type @($members) }

# Frames of an answer, each written as one piece; for records, which come in thousands, many with one call.
function Send-Frames($answer, [string]$type, $each) {
    $out = $engine.Out; $frames = $answer.Frames; $ascii = [System.Text.Encoding]::ASCII
    $head = $frameMark + '{"type":"' + $type + '","id":' + $answer.IdText + ',"n":'
    [System.Threading.Monitor]::Enter($out)
    try {
        foreach ($members in $each) {
            $n = ($frames.Count + 1).ToString($invariant)
            $bytes = $ascii.GetBytes($head + $n + ',' + $members + "}`n")
            $frames.Add($bytes)
            $answer.Size += $bytes.Length
            try { $out.Write($bytes, 0, $bytes.Length); $out.Flush() } catch { continue }
        }
    } finally {
        [System.Threading.Monitor]::Exit($out)
    }
}

function New-Answer([string]$id) {
    $frames = [System.Collections.Generic.List[byte[]]]::new()
    @{ Id = $id; IdText = Format-Text $id; State = 'running'; Size = 0; Frames = $frames }
}

function Send-Error($answer, $step, $failure, [bool]$undo) {
    Send-Frame $answer 'error' (Format-Members (Get-ErrorFields $step $failure $undo))
}

function Get-ErrorFields($step, $failure, [bool]$undo) {
    $fields = [ordered]@{ step = $step }
    foreach ($name in $failure.Keys) { $fields[$name] = $failure[$name] }
    $fields['undo'] = $undo
    $fields
}

# The last frame of an answer. The engine counts as free before the client can read it, or its next batch would meet Busy.
function Complete-Answer($answer, $fields) {
    $members = Format-Members $fields
    Invoke-Locked {
        $answer.State = 'done'
        $engine.Answered.Enqueue($answer)
        if ($engine.RunningId -ceq $answer.Id) { $engine.RunningId = $null }
        Send-Frame $answer 'done' $members
        Limit-Answers
    }
}

function Get-NothingDone { [ordered]@{ ok = $false; undone = @(); not_undone = @(); elapsed = 0 } }

function Clear-Answer($answer) {
    if ($answer.State -cne 'done') { return }
    $answer.State = 'forgotten'
    $answer.Frames.Clear()
    $answer.Size = 0
}

# Forgets the oldest answers beyond the limit; the latest is kept whatever its size, for its client is still reading it.
function Limit-Answers {
    $size = 0
    foreach ($answer in $engine.Answered) { $size += $answer.Size }
    while ($size -gt $keptBytesLimit -and $engine.Answered.Count -gt 1) {
        $oldest = $engine.Answered.Dequeue()
        $size -= $oldest.Size
        Clear-Answer $oldest
    }
}

# --- Failures -------------------------------------------------------------------------------------------------------------

function New-Failure([string]$errorId, [string]$category, [string]$message) {
    [ordered]@{
        message = $message; category = $category; error_id = $errorId; exception = $null; hresult = $null; target = $null
    }
}

# A refusal of the engine's own, to be thrown; Get-Refusal finds it again in a catch block.
function New-Refusal([string]$errorId, [string]$category, [string]$message) {
    $exception = [System.InvalidOperationException]::new($message)
    $exception.Data['Hvctl'] = New-Failure $errorId $category $message
    $exception
}

# With a step it refuses the whole batch that the step is read from.
function New-NotAllowed([string]$message, [string]$stepId) {
    $refusal = New-Refusal 'Hvctl.NotAllowed' 'PermissionDenied' $message
    if ($stepId) { $refusal.Data['HvctlStep'] = $stepId }
    $refusal
}

function New-BadRequest([string]$message) { New-Refusal 'Hvctl.BadRequest' 'InvalidData' $message }

function Assert-Request($holds, [string]$otherwise) { if (-not $holds) { throw (New-BadRequest $otherwise) } }

function Get-Refusal($record) {
    $refusal = $record.Exception.Data['Hvctl']
    if ($null -ne $refusal) { return $refusal }
    ConvertTo-Failure $record $record.Exception
}

# An error record and the reason the pipeline gave, as the fields of an error frame.
function ConvertTo-Failure($record, $reason) {
    $exception = $record.Exception
    $placeholder = [System.Management.Automation.ParentContainsErrorRecordException]
    if ($null -eq $exception -or $exception -is $placeholder) { $exception = $reason }
    $failure = New-Failure $record.FullyQualifiedErrorId $record.CategoryInfo.Category.ToString() $record.ToString()
    if (Test-RefusedPrompt $exception) {
        $failure['category'] = 'InvalidOperation'
        $failure['error_id'] = $failure['error_id'] -replace '^[^,]*', 'InvalidOperation'
    }
    if ($null -ne $exception) {
        $failure['exception'] = $exception.GetType().FullName
        $failure['hresult'] = Get-HResult $exception
    }
    $failure['target'] = Get-TargetText $record.TargetObject
    $failure
}

# A worker without a host (see Get-WorkerHost) says otherwise that nobody can be asked than a -NonInteractive console does.
function Test-RefusedPrompt($exception) {
    while ($null -ne $exception) {
        if ($exception -is [System.Management.Automation.Host.HostException] -and
            $exception.ErrorRecord.FullyQualifiedErrorId -like 'HostFunctionNotImplemented*') { return $true }
        $exception = $exception.InnerException
    }
    $false
}

# The HRESULT of the innermost exception that has one of its own: 0x8013.... and 0x8000.... only name a .NET exception type.
function Get-HResult($exception) {
    $found = $null
    while ($null -ne $exception) {
        $code = [long]$exception.HResult -band 4294967295
        if ($exception -is [System.ComponentModel.Win32Exception]) {
            $code = 2147942400 + ($exception.NativeErrorCode -band 65535)  # 0x80070000, as a Win32 error becomes an HRESULT
        }
        if ($code -ne 0 -and @(32787, 32768) -notcontains ($code -shr 16)) { $found = $code }
        $exception = $exception.InnerException
    }
    $found
}

function Get-TargetText($target) {
    if ($null -eq $target) { return $null }
    try { $text = [string]$target } catch { return $null }
    $text.Substring(0, [System.Math]::Min($text.Length, $targetTextLimit))
}

# --- Steps: from JSON to checked data ---------------------------------------------------------------------------------------
# A batch is checked whole before its first step runs.

function Get-JsonMember([object]$json, [string]$name) {
    Assert-Request ($json -is [System.Collections.Generic.Dictionary[string, object]]) 'An object is missing.'
    if ($json.ContainsKey($name)) { return , $json[$name] }
    , $null
}

function Get-TextMember($json, [string]$name) {
    $text = Get-JsonMember $json $name
    Assert-Request ($text -is [string] -and $text.Length -gt 0) "'$name' must be a text."
    $text
}

function Get-ChoiceMember($json, [string]$name, [string[]]$choices) {
    $text = Get-JsonMember $json $name
    if ($null -eq $text) { return $choices[0] }
    Assert-Request ($choices -ccontains $text) "'$name' must be one of: $($choices -join ', ')."
    $text
}

function Get-SecondsMember($json, [string]$name) {
    $seconds = Get-JsonMember $json $name
    if ($null -eq $seconds) { return $null }
    $isNumber = $seconds -is [long] -or $seconds -is [double]
    Assert-Request ($isNumber -and $seconds -ge 0) "'$name' must be a number of seconds."
    [double]$seconds
}

function Get-ListMember($json, [string]$name) {
    $list = Get-JsonMember $json $name
    if ($null -eq $list) { $list = [System.Collections.Generic.List[object]]::new() }
    Assert-Request ($list -is [System.Collections.Generic.List[object]]) "'$name' must be a list."
    , $list
}

function ConvertTo-Path($text) {
    $isPath = $text -is [string] -and $text -match '\A(\.|[A-Za-z]\w*(\.[A-Za-z]\w*)*)\z'
    Assert-Request $isPath "'$text' is not a property path."
    if ($text -ceq '.') { return , [string[]]@() }
    , $text.Split('.')
}

function ConvertTo-Where($json) {
    $where = [System.Collections.Generic.List[object]]::new()
    if ($null -eq $json) { return , $where }
    Assert-Request ($json -is [System.Collections.Generic.Dictionary[string, object]]) "'where' must be an object."
    foreach ($name in $json.Keys) {
        $texts = [System.Collections.Generic.HashSet[string]]::new($ignoreCase)
        foreach ($text in (Get-ListMember $json $name)) {
            Assert-Request ($text -is [string]) "'where' must name texts."
            $null = $texts.Add($text)
        }
        $where.Add(@{ Path = ConvertTo-Path $name; Texts = $texts })
    }
    , $where
}

function ConvertTo-Steps($list) {
    $known = [System.Collections.Generic.HashSet[string]]::new()
    $steps = [System.Collections.Generic.List[object]]::new()
    foreach ($json in $list) {
        $step = ConvertTo-Step $json $known
        $steps.Add($step)
    }
    , $steps
}

function ConvertTo-Step($json, $known) {
    $id = Get-TextMember $json 'id'
    Assert-Request (-not $known.Contains($id)) "Two steps are called '$id'."
    $step = @{
        Id = $id
        Call = ConvertTo-Call $json $id $known
        Where = ConvertTo-Where (Get-JsonMember $json 'where')
        Select = [System.Collections.Generic.List[object]]::new()
        Expect = Get-ChoiceMember $json 'expect' @('any', 'one', 'none')
        OnError = Get-ChoiceMember $json 'on_error' @('stop', 'continue')
        Timeout = Get-SecondsMember $json 'timeout'
        Group = Get-JsonMember $json 'group'
        Needs = Get-ListMember $json 'needs'
        Undo = $null
    }
    foreach ($text in (Get-ListMember $json 'select')) { $step.Select.Add(@{ Text = $text; Path = ConvertTo-Path $text }) }
    foreach ($need in $step.Needs) {
        $isKnown = $need -is [string] -and $known.Contains($need)
        Assert-Request $isKnown "Step '$id' needs a step that does not come before it."
    }
    Assert-Request ($null -eq $step.Group -or $step.Group -is [string]) "'group' must be a text."
    $isFree = $null -eq $step.Group -or $step.OnError -ceq 'continue'
    Assert-Request $isFree "Step '$id' runs beside others and cannot stop them."
    $null = $known.Add($id)
    $undo = Get-JsonMember $json 'undo'
    if ($null -ne $undo) { $step.Undo = ConvertTo-Call $undo $id $known }
    $step
}

function ConvertTo-Call($json, [string]$stepId, $known) {
    $cmdlet = Get-TextMember $json 'cmdlet'
    if (-not $allowList.ContainsKey($cmdlet)) { throw (New-NotAllowed "$cmdlet is not a cmdlet that hvctl may run." $stepId) }
    $parameters = [System.Collections.Generic.Dictionary[string, object]]::new($ignoreCase)
    $given = Get-JsonMember $json 'parameters'
    if ($null -ne $given) {
        Assert-Request ($given -is [System.Collections.Generic.Dictionary[string, object]]) "'parameters' must be an object."
        foreach ($name in $given.Keys) {
            Assert-Request (-not $parameters.ContainsKey($name)) "Parameter '$name' is given twice."
            $parameters.Add($name, (ConvertTo-Argument $given[$name] $known))
        }
    }
    if ($cmdlet -eq 'Invoke-CimMethod' -and -not (Test-CimMethod $parameters)) { throw (New-NotAllowed $cimRule $stepId) }
    @{ Cmdlet = $cmdlet; Command = $allowList[$cmdlet] + '\' + $cmdlet; Parameters = $parameters }
}

# WMI has methods that run any program, so one method is let through, on one kind of object: planned virtual machines, which
# no cmdlet removes. The call must have this form; what its refs lead to is looked at by Assert-CimObjects, before it runs.
function Test-CimMethod($parameters) {
    foreach ($name in 'InputObject', 'MethodName', 'Arguments') { if (-not $parameters.ContainsKey($name)) { return $false } }
    $ref = [System.Collections.Specialized.OrderedDictionary]
    $arguments = $parameters['Arguments']
    $parameters.Count -eq 3 -and $parameters['MethodName'] -is [string] -and $parameters['MethodName'] -ceq 'DestroySystem' -and
        $parameters['InputObject'] -is $ref -and $arguments -is [hashtable] -and $arguments.Count -eq 1 -and
        $arguments['AffectedSystem'] -is $ref
}

function Assert-CimObjects($arguments) {
    $manager = Get-PathValue $arguments['InputObject'] @('CimSystemProperties', 'ClassName') 0
    $system = Get-PathValue $arguments['Arguments']['AffectedSystem'] @('CimSystemProperties', 'ClassName') 0
    # The literals stand on the left, for a collection there would be filtered instead of compared.
    if ('Msvm_VirtualSystemManagementService' -eq $manager -and 'Msvm_PlannedComputerSystem' -eq $system) { return }
    throw (New-NotAllowed $cimRule)
}

# JSON becomes the value to bind. A ref stays a placeholder until its step has run: an ordered dictionary, which no
# tagged value becomes.
function ConvertTo-Argument($json, $known) {
    if ($json -is [System.Collections.Generic.List[object]]) {
        $items = [object[]]::new($json.Count)
        for ($i = 0; $i -lt $items.Length; $i++) {
            if ($json[$i] -is [string]) { $items[$i] = $json[$i] } else { $items[$i] = ConvertTo-Argument $json[$i] $known }
        }
        return , $items
    }
    if ($json -isnot [System.Collections.Generic.Dictionary[string, object]]) { return , $json }
    if ($json.ContainsKey('$ref')) { return ConvertTo-Ref $json $known }
    Assert-Request ($json.Count -eq 1) 'A value has no tag that is known, or several.'
    foreach ($tag in $json.Keys) { $content = $json[$tag] }
    try {
        switch -CaseSensitive ($tag) {
            '$secure' { return , (ConvertTo-Secret $content) }
            '$credential' {
                $secret = ConvertTo-Secret (Get-JsonMember $content 'password')
                return , [System.Management.Automation.PSCredential]::new((Get-TextMember $content 'user'), $secret)
            }
            '$datetime' {
                $styles = [System.Globalization.DateTimeStyles]'AssumeUniversal, AdjustToUniversal'
                return [datetime]::Parse([string]$content, $invariant, $styles)
            }
            '$timespan' { return [timespan]::FromTicks([long]([decimal]$content * 10000000)) }
            '$hashtable' { return , (ConvertTo-Hashtable $content $known) }
        }
    } catch {
        if ($null -ne $_.Exception.Data['Hvctl']) { throw }
        throw (New-BadRequest "A value tagged '$tag' cannot be read.")
    }
    throw (New-BadRequest "The tag '$tag' is not known.")
}

function ConvertTo-Ref($json, $known) {
    foreach ($name in $json.Keys) {
        Assert-Request (@('$ref', 'where', 'property', 'all') -ccontains $name) "A ref has no '$name'."
    }
    $step = Get-TextMember $json '$ref'
    Assert-Request ($known.Contains($step)) "A ref names '$step', which does not come before it."
    $property = Get-JsonMember $json 'property'
    $all = Get-JsonMember $json 'all'
    Assert-Request ($null -eq $all -or $all -is [bool]) "'all' must be true or false."
    $path = $null
    if ($null -ne $property) { $path = ConvertTo-Path $property }
    [ordered]@{ Step = $step; Where = ConvertTo-Where (Get-JsonMember $json 'where'); Path = $path; All = $true -eq $all }
}

function ConvertTo-Secret($text) {
    Assert-Request ($text -is [string]) 'A secret must be a text.'
    $secret = [System.Security.SecureString]::new()
    foreach ($character in $text.ToCharArray()) { $secret.AppendChar($character) }
    $secret.MakeReadOnly()
    , $secret
}

function ConvertTo-Hashtable($pairs, $known) {
    $table = [hashtable]::new($ignoreCase)
    foreach ($pair in $pairs) {
        Assert-Request ($pair.Count -eq 2 -and $pair[0] -is [string]) 'A hashtable is a list of pairs.'
        $table.Add($pair[0], (ConvertTo-Argument $pair[1] $known))
    }
    , $table
}

# --- Refs: placeholders to live objects -------------------------------------------------------------------------------------

function Resolve-Argument($value, $batch) {
    if ($value -is [System.Collections.Specialized.OrderedDictionary]) { return , (Resolve-Ref $value $batch) }
    if ($value -is [object[]]) {
        $items = [object[]]::new($value.Length)
        for ($i = 0; $i -lt $items.Length; $i++) {
            if ($value[$i] -is [string]) { $items[$i] = $value[$i] } else { $items[$i] = Resolve-Argument $value[$i] $batch }
        }
        return , $items
    }
    if ($value -is [hashtable]) {
        $table = [hashtable]::new($ignoreCase)
        foreach ($name in $value.Keys) { $table.Add($name, (Resolve-Argument $value[$name] $batch)) }
        return , $table
    }
    , $value
}

function Resolve-Ref($ref, $batch) {
    $objects = Select-Objects $batch.Objects[$ref.Step] $ref.Where
    if ($ref.All) {
        $values = [System.Collections.Generic.List[object]]::new()
        foreach ($object in $objects) {
            if ($null -eq $ref.Path) { $values.Add($object) } else { Add-Flat $values (Get-PathValue $object $ref.Path 0) }
        }
        if ($values.Count -eq 0) { $batch.NothingToDo = $true }
        return , $values.ToArray()
    }
    $name = "Step '$($ref.Step)'"
    if ($objects.Count -eq 0) { throw (New-Refusal 'Hvctl.RefNotFound' 'ObjectNotFound' "$name returned no such object.") }
    if ($objects.Count -gt 1) {
        throw (New-Refusal 'Hvctl.RefAmbiguous' 'InvalidResult' "$name returned $($objects.Count) such objects, not one.")
    }
    if ($null -eq $ref.Path) { return , $objects[0] }
    , (Get-PathValue $objects[0] $ref.Path 0)
}

function Add-Flat($values, $value) {
    if (Test-Collection $value) { foreach ($item in (Get-Items $value)) { Add-Flat $values $item } }
    elseif ($null -ne $value) { $values.Add($value) }
}

# --- Workers --------------------------------------------------------------------------------------------------------------

# Workers share the console's host, so that a prompt fails as it does in any -NonInteractive console. Windows PowerShell draws
# progress into the console; where that is denied, as in many WinRM shells, each progress record would fail its cmdlet,
# and so workers there have no host.
function Get-WorkerHost {
    if ($PSVersionTable['PSEdition'] -ceq 'Core') { return $Host }
    try {
        $raw = $Host.UI.RawUI
        $at = $raw.CursorPosition
        $null = $raw.GetBufferContents([System.Management.Automation.Host.Rectangle]::new($at, $at))
        $Host
    } catch {
        $null
    }
}

function New-Worker {
    $state = [initialsessionstate]::CreateDefault2()
    if ($null -ne $engine.WorkerHost) { $worker = [runspacefactory]::CreateRunspace($engine.WorkerHost, $state) }
    else { $worker = [runspacefactory]::CreateRunspace($state) }
    $worker.ThreadOptions = 'ReuseThread'
    $worker.Open()
    $worker
}

function Get-Worker {
    Receive-WarmUp
    while ($engine.Workers.Count -gt 0) {
        $worker = $engine.Workers.Pop()
        if ($worker.RunspaceAvailability -eq 'Available') { return $worker }
    }
    New-Worker
}

# Loads the Hyper-V module while the first request is still on its way. If that fails, the first call tells why.
function Start-WarmUp {
    try {
        $shell = [powershell]::Create()
        $shell.Runspace = New-Worker
        $null = $shell.AddCommand('Import-Module').AddParameter('Name', 'Hyper-V').AddParameter('ErrorAction', 'Ignore')
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $engine.WarmUp = @{ Shell = $shell; Clock = $clock; Handle = $shell.BeginInvoke() }
    } catch {
        $engine.WarmUp = $null
    }
}

# Takes in the worker that has loaded the module, once it has.
function Receive-WarmUp {
    $warmUp = $engine.WarmUp
    if ($null -eq $warmUp -or -not $warmUp.Handle.IsCompleted) { return }
    $engine.WarmUp = $null
    Close-Call $warmUp
}

# Two runspaces that load the module at once take longer than one: so a batch waits, but not past its own end.
function Wait-WarmUp($batch) {
    Receive-WarmUp
    while ($null -ne $engine.WarmUp -and $engine.WarmUp.Clock.Elapsed.TotalSeconds -lt $warmUpSeconds) {
        if (Test-Ended $batch @() $true) { return }
        Wait-Calls @($engine.WarmUp)
        Receive-WarmUp
    }
}

# --- One call of a cmdlet -------------------------------------------------------------------------------------------------

# Starts a call in a worker; gives back null if a ref in it leads to an empty list, for then there is nothing to do.
function Start-Call($batch, $step, $call, [string]$onError, $timeout) {
    $batch.NothingToDo = $false
    $arguments = [System.Collections.Generic.Dictionary[string, object]]::new($ignoreCase)
    foreach ($name in $call.Parameters.Keys) { $arguments.Add($name, (Resolve-Argument $call.Parameters[$name] $batch)) }
    if ($batch.NothingToDo) { return $null }
    if ($call.Cmdlet -eq 'Invoke-CimMethod') { Assert-CimObjects $arguments }
    # A module's functions do not see their caller's preference, so it travels as a parameter.
    if (-not $arguments.ContainsKey('ErrorAction')) { $arguments.Add('ErrorAction', $onError) }
    $shell = [powershell]::Create()
    $shell.Runspace = Get-Worker
    $null = $shell.AddCommand($call.Command)
    foreach ($name in $arguments.Keys) { $null = $shell.AddParameter($name, $arguments[$name]) }
    # A completed input of its own, for the process's stdin belongs to the requests.
    $nothing = [System.Management.Automation.PSDataCollection[psobject]]::new()
    $nothing.Complete()
    $output = [System.Management.Automation.PSDataCollection[psobject]]::new()
    @{
        Step = $step; Shell = $shell; Output = $output; Clock = [System.Diagnostics.Stopwatch]::StartNew(); Timeout = $timeout
        Handle = $shell.BeginInvoke($nothing, $output)
        Warnings = 0; Verbose = 0; Progress = 0; StopReason = $null; StopClock = $null
    }
}

function Stop-Call($running, [string]$reason) {
    if ($null -ne $running.StopReason) { return }
    $running.StopReason = $reason
    $running.StopClock = [System.Diagnostics.Stopwatch]::StartNew()
    $null = $running.Shell.BeginStop($null, $null)
}

# Waits until a call ends, a moment passes or a request wants attention.
function Wait-Calls($calls) {
    $ends = @(foreach ($running in $calls) { $running.Handle.AsyncWaitHandle })
    [System.Threading.WaitHandle[]]$handles = @($engine.Attention) + $ends
    $null = [System.Threading.WaitHandle]::WaitAny($handles, $pollMilliseconds)
}

# Tells what a call has said meanwhile, stops it when its time is up, and says whether it has ended.
function Watch-Call($batch, $running) {
    $ended = $running.Handle.IsCompleted
    Send-Streams $batch $running
    if ($ended) { return $true }
    $isLate = $null -ne $running.Timeout -and $running.Clock.Elapsed.TotalSeconds -ge $running.Timeout
    if ($isLate) { Stop-Call $running 'StepTimedOut' }
    # A blocking call inside a cmdlet cannot be stopped; such a cmdlet is left to itself.
    $null -ne $running.StopClock -and $running.StopClock.Elapsed.TotalSeconds -ge $stopGraceSeconds
}

function Send-Streams($batch, $running) {
    $streams = $running.Shell.Streams
    for (; $running.Warnings -lt $streams.Warning.Count; $running.Warnings++) {
        Send-Message $batch $running 'warning' $streams.Warning[$running.Warnings]
    }
    for (; $running.Verbose -lt $streams.Verbose.Count; $running.Verbose++) {
        Send-Message $batch $running 'verbose' $streams.Verbose[$running.Verbose]
    }
    $latest = [ordered]@{}
    for (; $running.Progress -lt $streams.Progress.Count; $running.Progress++) {
        $record = $streams.Progress[$running.Progress]
        $latest["$($record.ActivityId)"] = $record
    }
    foreach ($record in $latest.Values) { Send-Progress $batch $running.Step.Id $record }
}

function Send-Message($batch, $running, [string]$type, $record) {
    Send-Frame $batch.Answer $type (Format-Members ([ordered]@{ step = $running.Step.Id; message = $record.Message }))
}

function Send-Progress($batch, [string]$stepId, $record) {
    $percent = $null; $seconds = $null
    if ($record.PercentComplete -ge 0) { $percent = $record.PercentComplete }
    if ($record.RecordType -eq 'Completed') { $percent = 100 }
    if ($record.SecondsRemaining -ge 0) { $seconds = $record.SecondsRemaining }
    Send-Frame $batch.Answer 'progress' (Format-Members ([ordered]@{
        step = $stepId; activity = $record.Activity; status = $record.StatusDescription
        percent = $percent; seconds_left = $seconds
    }))
}

# The failures of a call that has ended. What EndInvoke throws is wrapped now and then; the pipeline's reason never is.
function Get-Failures($running) {
    $failures = [System.Collections.Generic.List[object]]::new()
    $reason = $running.Shell.InvocationStateInfo.Reason
    $record = $null
    $stopped = Test-Stopped $running
    if ($null -ne $reason -and -not $stopped) {
        if ($reason -is [System.Management.Automation.RuntimeException]) { $record = $reason.ErrorRecord }
        else {
            $name = $reason.GetType().Name
            $record = [System.Management.Automation.ErrorRecord]::new($reason, $name, 'NotSpecified', $null)
        }
    }
    foreach ($each in $running.Shell.Streams.Error.ReadAll()) {
        $isSame = $null -ne $record -and $each.Exception -eq $record.Exception
        if (-not $isSame) { $failures.Add((ConvertTo-Failure $each $each.Exception)) }
    }
    if ($null -ne $record) { $failures.Add((ConvertTo-Failure $record $reason)) }
    if ($stopped -and $running.StopReason -ceq 'StepTimedOut') {
        $message = "The step did not end within $($running.Timeout.ToString($invariant)) seconds."
        $failures.Add((New-Failure 'Hvctl.StepTimedOut' 'OperationTimeout' $message))
    }
    , $failures
}

# A cmdlet may have come to its end before the request to stop reached it.
function Test-Stopped($running) {
    $null -ne $running.StopReason -and $running.Shell.InvocationStateInfo.State -ne 'Completed'
}

function Close-Call($running) {
    if (-not $running.Handle.IsCompleted) { return }
    $worker = $running.Shell.Runspace
    $running.Shell.Dispose()
    $engine.Workers.Push($worker)
}

# --- A step ---------------------------------------------------------------------------------------------------------------

function Start-Step($batch, $step) {
    $batch.Objects[$step.Id] = [System.Collections.Generic.List[object]]::new()
    foreach ($need in $step.Needs) { if (-not $batch.Succeeded.Contains($need)) { return } }
    $onError = 'Stop'
    if ($step.OnError -ceq 'continue') { $onError = 'Continue' }
    try {
        Start-Call $batch $step $step.Call $onError $step.Timeout
    } catch {
        Complete-Step $batch $step @(Get-Refusal $_) $false
    }
}

function Receive-Step($batch, $running) {
    $step = $running.Step
    $failures = Get-Failures $running
    $objects = Select-Objects $running.Output.ReadAll() $step.Where
    $stopped = Test-Stopped $running
    Close-Call $running
    $batch.Objects[$step.Id] = $objects
    Send-Records $batch $step $objects
    if ($failures.Count -eq 0 -and -not $stopped) {
        $miss = Get-Miss $step $objects.Count
        if ($null -ne $miss) { $failures.Add($miss) }
    }
    Complete-Step $batch $step $failures $stopped
}

function Get-Miss($step, [int]$count) {
    $name = $step.Call.Cmdlet
    if ($step.Expect -ceq 'one' -and $count -eq 0) {
        New-Failure 'Hvctl.ExpectedOne' 'ObjectNotFound' "$name returned no such object."
    } elseif ($step.Expect -ceq 'one' -and $count -gt 1) {
        New-Failure 'Hvctl.ExpectedOne' 'InvalidResult' "$name returned $count such objects, not one."
    } elseif ($step.Expect -ceq 'none' -and $count -gt 0) {
        New-Failure 'Hvctl.ExpectedNone' 'ResourceExists' "$name returned an object where none must be."
    }
}

function Complete-Step($batch, $step, $failures, [bool]$stopped) {
    foreach ($failure in $failures) { Send-Error $batch.Answer $step.Id $failure $false }
    $failed = $stopped -or $failures.Count -gt 0
    if (-not $failed) { $null = $batch.Succeeded.Add($step.Id) }
    # What was stopped midway may have taken effect although it returned nothing.
    $hasEffect = -not $failed -or $stopped -or $batch.Objects[$step.Id].Count -gt 0
    if ($null -ne $step.Undo -and $hasEffect) { $batch.Undo.Push($step) }
    if ($failures.Count -gt 0 -and $step.OnError -ceq 'stop') { $batch.Ended = $true }
}

# One record an object. PowerShell compiles a function that is called again and again, and interprets a long loop.
function Send-Records($batch, $step, $objects) {
    if ($step.Select.Count -eq 0) { return }
    $columns = Get-Columns $step
    for ($from = 0; $from -lt $objects.Count; $from += $recordsAtOnce) {
        $count = [System.Math]::Min($recordsAtOnce, $objects.Count - $from)
        Send-Frames $batch.Answer 'record' (Format-Records $columns $objects.GetRange($from, $count))
    }
}

function Get-Columns($step) {
    $count = $step.Select.Count
    $columns = @{
        Head = '"step":' + (Format-Text $step.Id) + ',"data":{'
        Paths = [object[]]::new($count); Names = [string[]]::new($count); Keys = [string[]]::new($count)
    }
    for ($i = 0; $i -lt $count; $i++) {
        $path = $step.Select[$i].Path
        $columns.Paths[$i] = $path
        if ($path.Length -eq 1) { $columns.Names[$i] = $path[0] }
        $columns.Keys[$i] = $(if ($i -gt 0) { ',' }) + (Format-Text $step.Select[$i].Text) + ':'
    }
    $columns
}

# The common cases are written right here: a function call costs more than all else together.
function Format-Records($columns, $objects) {
    $builder = [System.Text.StringBuilder]::new()
    $records = [System.Collections.Generic.List[object]]::new()
    $unsafe = $jsonUnsafe; $culture = $invariant
    $head = $columns.Head; $paths = $columns.Paths; $names = $columns.Names; $keys = $columns.Keys
    foreach ($object in $objects) {
        $null = $builder.Clear().Append($head)
        $properties = $object.PSObject.Properties
        for ($i = 0; $i -lt $keys.Length; $i++) {
            $null = $builder.Append($keys[$i])
            $value = $null
            if ($names[$i]) {
                try {
                    $property = $properties[$names[$i]]
                    if ($null -ne $property) { $value = $property.Value }
                    if ($null -eq $value -and $property -is [System.Management.Automation.PSScriptProperty]) {
                        $value = Get-RawValue $object $names[$i]
                    }
                } catch {
                    $value = $null
                }
            } else {
                $value = Get-PathValue $object $paths[$i] 0
            }
            if ($value -is [enum] -or $value -is [guid]) { $value = $value.ToString() }
            if ($null -eq $value) { $text = 'null' }
            elseif ($value -is [string] -and -not $unsafe.IsMatch($value)) { $text = '"' + $value + '"' }
            elseif ($value -is [int] -or $value -is [long]) { $text = $value.ToString($culture) }
            elseif ($value -is [bool]) { if ($value) { $text = 'true' } else { $text = 'false' } }
            elseif ($value -is [double] -and -not [double]::IsNaN($value) -and -not [double]::IsInfinity($value)) {
                $text = $value.ToString('R', $culture)
            }
            elseif ($value -is [timespan]) { $text = ([decimal]$value.Ticks / 10000000).ToString($culture) }
            else { $text = ''; Add-JsonValue $builder $value }
            $null = $builder.Append($text)
        }
        $records.Add($builder.Append('}').ToString())
    }
    , $records
}

# --- A batch --------------------------------------------------------------------------------------------------------------

function Invoke-Batch($request) {
    $batch = @{
        Answer = $request.Answer; Clock = $request.Clock; Deadline = $request.Deadline; Silence = $request.Silence
        Objects = [System.Collections.Generic.Dictionary[string, object]]::new()
        Succeeded = [System.Collections.Generic.HashSet[string]]::new()
        Undo = [System.Collections.Generic.Stack[object]]::new()
        Ended = $false; UndoUntil = $null; NothingToDo = $false
    }
    $outcome = @{
        Undone = [System.Collections.Generic.List[object]]::new(); NotUndone = [System.Collections.Generic.List[object]]::new()
    }
    try {
        Invoke-Steps $batch (ConvertTo-Steps $request.Steps)
    } catch {
        $batch.Ended = $true
        Send-Error $batch.Answer $_.Exception.Data['HvctlStep'] (Get-Refusal $_) $false
    }
    if ($batch.Ended) { Invoke-Undo $batch $outcome }
    Complete-Answer $batch.Answer ([ordered]@{
        ok = -not $batch.Ended; undone = $outcome.Undone; not_undone = $outcome.NotUndone
        elapsed = [System.Math]::Round($batch.Clock.Elapsed.TotalSeconds, 3)
    })
}

function Invoke-Steps($batch, $steps) {
    Wait-WarmUp $batch
    $next = 0
    while ($next -lt $steps.Count -and -not $batch.Ended) {
        $side = [System.Collections.Generic.Queue[object]]::new()
        $group = $steps[$next].Group
        do { $side.Enqueue($steps[$next]); $next++ }
        while ($null -ne $group -and $next -lt $steps.Count -and $steps[$next].Group -ceq $group)
        Invoke-SideBySide $batch $side
    }
}

function Invoke-SideBySide($batch, $waiting) {
    $calls = [System.Collections.Generic.List[object]]::new()
    while ($calls.Count -gt 0 -or ($waiting.Count -gt 0 -and -not $batch.Ended)) {
        while ($waiting.Count -gt 0 -and $calls.Count -lt $maxSideBySide -and -not (Test-Ended $batch $calls $true)) {
            $running = Start-Step $batch $waiting.Dequeue()
            if ($null -ne $running) { $calls.Add($running) }
        }
        if ($calls.Count -eq 0) { continue }
        Wait-Calls $calls
        foreach ($running in $calls.ToArray()) {
            if (Watch-Call $batch $running) {
                $null = $calls.Remove($running)
                Receive-Step $batch $running
            }
        }
        if ($calls.Count -gt 0) { $null = Test-Ended $batch $calls $false }
    }
}

# Whether the batch ends here. Cancel and deadline stop what runs; a lost client only keeps the next step from starting.
function Test-Ended($batch, $calls, [bool]$starting) {
    $isLate = $null -ne $batch.Deadline -and $batch.Clock.Elapsed.TotalSeconds -ge $batch.Deadline
    if ($isLate) { foreach ($running in $calls) { Stop-Call $running 'Ended' } }
    if ($batch.Ended) { return $true }
    if ((Test-ClientLost $batch) -and $starting) {
        $failure = New-Failure 'Hvctl.ClientLost' 'ConnectionError' 'The client is gone; no further step was started.'
    } elseif ($engine.CancelId -ceq $batch.Answer.Id) {
        $failure = New-Failure 'Hvctl.Cancelled' 'OperationStopped' 'The batch was cancelled.'
        $batch.UndoUntil = $batch.Clock.Elapsed.TotalSeconds + $undoGraceSeconds
        foreach ($running in $calls) { Stop-Call $running 'Ended' }
    } elseif ($isLate) {
        $message = "The batch did not end within $($batch.Deadline.ToString($invariant)) seconds."
        $failure = New-Failure 'Hvctl.Deadline' 'OperationTimeout' $message
    } else {
        return $false
    }
    $batch.Ended = $true
    Send-Error $batch.Answer $null $failure $false
    $true
}

function Test-ClientLost($batch) {
    $silent = [System.Diagnostics.Stopwatch]::GetTimestamp() - $engine.LastLine
    if ($silent -ge $batch.Silence * [System.Diagnostics.Stopwatch]::Frequency) { $engine.ClientGone = $true }
    $engine.ClientGone
}

# Takes the finished steps back, last first. An undo that fails is named and does not keep the others from running.
function Invoke-Undo($batch, $outcome) {
    if ($null -eq $batch.UndoUntil -and $null -ne $batch.Deadline) { $batch.UndoUntil = $batch.Deadline + $undoGraceSeconds }
    while ($batch.Undo.Count -gt 0) {
        $step = $batch.Undo.Pop()
        try {
            $failures = Invoke-UndoCall $batch $step
        } catch {
            $failures = @(Get-Refusal $_)
        }
        if ($null -eq $failures) { continue }
        foreach ($failure in $failures) { Send-Error $batch.Answer $step.Id $failure $true }
        if ($failures.Count -eq 0) { $outcome.Undone.Add($step.Id) } else { $outcome.NotUndone.Add($step.Id) }
    }
}

# The failures of a step's undo; null if there was nothing to take back.
function Invoke-UndoCall($batch, $step) {
    $timeout = $null
    if ($null -ne $batch.UndoUntil) { $timeout = [System.Math]::Max(1.0, $batch.UndoUntil - $batch.Clock.Elapsed.TotalSeconds) }
    $running = Start-Call $batch $step $step.Undo 'Stop' $timeout
    if ($null -eq $running) { return , $null }
    do { Wait-Calls @($running) } until (Watch-Call $batch $running)
    $failures = Get-Failures $running
    Close-Call $running
    , $failures
}

# --- Driver ---------------------------------------------------------------------------------------------------------------

function Invoke-Driver {
    try {
        Start-WarmUp
        foreach ($request in $engine.Requests.GetConsumingEnumerable()) {
            Invoke-Request $request
            if ($engine.ClientGone) { break }
        }
    } catch {
        # Without a driver no batch would ever be answered; the end of the process the client notices.
        [System.Console]::Error.WriteLine("hvctl engine: $($_.Exception.Message)")
        [System.Environment]::Exit(1)
    }
    [System.Environment]::Exit(0)
}

function Invoke-Request($request) {
    try {
        Invoke-Batch $request
    } catch {
        Send-Error $request.Answer $null (Get-Refusal $_) $false
        Complete-Answer $request.Answer (Get-NothingDone)
    }
}

function Start-Driver($script) {
    $runspace = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2())
    $runspace.ThreadOptions = 'ReuseThread'
    $runspace.Open()
    $shell = [powershell]::Create()
    $shell.Runspace = $runspace
    $null = $shell.AddCommand('Invoke-Command').AddParameter('NoNewScope', $true)
    $null = $shell.AddParameter('ScriptBlock', $script.Ast.GetScriptBlock())
    $null = $shell.AddParameter('ArgumentList', @($null, $null, $null, $engine))
    $shell.BeginInvoke()
}

# --- Main -----------------------------------------------------------------------------------------------------------------

function Send-Hello {
    Send-Notice 'hello' '' ([ordered]@{
        protocol = $protocolVersion; nonce = $engine.Nonce; engine = $engine.Hash
        powershell = $PSVersionTable['PSVersion'].ToString(); edition = [string]$PSVersionTable['PSEdition']
        windows = Get-WindowsBuild; product = Get-WindowsProduct; host = [System.Environment]::MachineName
        language = $ExecutionContext.SessionState.LanguageMode.ToString()
        rights = Get-Rights; modules = Get-ModuleVersions; pid = $PID
        time = [datetime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffZ', $invariant)
    })
}

function Get-WindowsBuild {
    $system = [System.Environment]::OSVersion
    if ($system.Platform -eq 'Win32NT') { $system.Version.ToString(3) }
}

function Get-WindowsProduct {
    $key = 'HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    try { [Microsoft.Win32.Registry]::GetValue($key, 'ProductName', $null) } catch { $null }
}

function Get-Rights {
    try {
        $user = [System.Security.Principal.WindowsIdentity]::GetCurrent()
        $principal = [System.Security.Principal.WindowsPrincipal]::new($user)
        $held = [System.Collections.Generic.List[object]]::new()
        $groups = [ordered]@{ 'Administrators' = 'S-1-5-32-544'; 'Hyper-V Administrators' = 'S-1-5-32-578' }
        foreach ($name in $groups.Keys) {
            $group = [System.Security.Principal.SecurityIdentifier]::new($groups[$name])
            if ($principal.IsInRole($group)) { $held.Add($name) }
        }
        , $held
    } catch {
        $null
    }
}

function Get-ModuleVersions {
    $versions = [ordered]@{}
    try {
        foreach ($module in @(Get-Module -ListAvailable -Name 'Hyper-V', 'Storage', 'FailoverClusters')) {
            $known = $versions[$module.Name]
            $isNewer = $null -eq $known -or $module.Version -gt [version]$known
            if ($isNewer) { $versions[$module.Name] = $module.Version.ToString() }
        }
    } catch {
        $versions.Clear()
    }
    $versions
}

function Receive-Requests {
    while ($requests.MoveNext()) {
        $engine.LastLine = [System.Diagnostics.Stopwatch]::GetTimestamp()
        $line = ([string]$requests.Current).Trim()
        if ($line.Length -eq 0) { continue }
        try { $json = ConvertFrom-JsonLine $line } catch { $json = $null }
        if ($json -isnot [System.Collections.Generic.Dictionary[string, object]]) {
            [System.Console]::Error.WriteLine('hvctl engine: dropped a line that is not a request')
            continue
        }
        try {
            if (-not (Receive-Request $json)) { return }
        } catch {
            Send-Notice 'error' '' (Get-ErrorFields $null (Get-Refusal $_) $false)
        }
    }
}

# Answers a request or hands it over; false when it is the last one.
function Receive-Request($json) {
    $type = Get-TextMember $json 'type'
    if ($type -ceq 'exit') { return $false }
    $id = Get-TextMember $json 'id'
    switch -CaseSensitive ($type) {
        'run' { Receive-Run $id $json }
        'status' { Send-State $id }
        'replay' { Send-Again $id ([int](Get-SecondsMember $json 'after')) }
        'ping' { Send-Notice 'pong' $id @{} }
        'cancel' { Receive-Cancel $id }
        default { throw (New-BadRequest "There is no request '$type'.") }
    }
    $true
}

function Receive-Run([string]$id, $json) {
    if ($engine.Answers.ContainsKey($id)) {
        if ((Get-State $id) -ceq 'running') { Send-State $id } else { Send-Again $id 0 }
        return
    }
    $answer = New-Answer $id
    Invoke-Locked { $engine.Answers.Add($id, $answer) }
    try {
        foreach ($acknowledged in (Get-ListMember $json 'ack')) { Clear-Acknowledged $acknowledged }
        if ((Get-JsonMember $json 'nonce') -cne $engine.Nonce -or (Get-JsonMember $json 'engine') -cne $engine.Hash) {
            throw (New-Refusal 'Hvctl.WrongSession' 'InvalidOperation' 'The request was meant for another engine.')
        }
        if ($null -ne $engine.RunningId) { throw (New-Refusal 'Hvctl.Busy' 'ResourceBusy' 'Another batch is running.') }
        $silence = Get-SecondsMember $json 'silence'
        if ($null -eq $silence) { $silence = $defaultSilenceSeconds }
        $request = @{
            Answer = $answer; Clock = [System.Diagnostics.Stopwatch]::StartNew(); Silence = $silence
            Deadline = Get-SecondsMember $json 'deadline'; Steps = Get-ListMember $json 'steps'
        }
    } catch {
        Send-Error $answer $null (Get-Refusal $_) $false
        Complete-Answer $answer (Get-NothingDone)
        return
    }
    $engine.RunningId = $id
    $engine.Requests.Add($request)
}

function Clear-Acknowledged($id) {
    if ($id -is [string] -and $engine.Answers.ContainsKey($id)) { Invoke-Locked { Clear-Answer $engine.Answers[$id] } }
}

function Get-State([string]$id) {
    if ($engine.Answers.ContainsKey($id)) { $engine.Answers[$id].State } else { 'unknown' }
}

function Send-State([string]$id) {
    Invoke-Locked { Send-Notice 'state' $id @{ state = Get-State $id } }
}

# The kept frames of an answer after the n-th, or its state where none are kept.
function Send-Again([string]$id, [int]$after) {
    Invoke-Locked {
        $state = Get-State $id
        if ($state -ceq 'unknown' -or $state -ceq 'forgotten') { Send-State $id; return }
        $frames = $engine.Answers[$id].Frames
        for ($i = $after; $i -lt $frames.Count; $i++) { Write-Bytes $frames[$i] }
    }
}

function Receive-Cancel([string]$id) {
    if ($engine.RunningId -cne $id) { Send-State $id; return }
    $engine.CancelId = $id
    $null = $engine.Attention.Set()
}

function Invoke-Main($script) {
    $driver = Start-Driver $script
    Send-Hello
    Receive-Requests
    if ($null -eq $engine.RunningId) { [System.Environment]::Exit(0) }
    # The driver ends the process when the batch under way is done or taken back.
    $engine.ClientGone = $true
    $engine.Requests.CompleteAdding()
    $null = $driver.AsyncWaitHandle.WaitOne()
    [System.Environment]::Exit(1)
}

if ($null -ne $engine) {
    Invoke-Driver
} else {
    $engine = [hashtable]::Synchronized(@{
        Hash = $engineHash; Nonce = $nonce; Out = [System.Console]::OpenStandardOutput(); WorkerHost = Get-WorkerHost
        Requests = [System.Collections.Concurrent.BlockingCollection[object]]::new()
        Answers = [System.Collections.Generic.Dictionary[string, object]]::new()
        Answered = [System.Collections.Generic.Queue[object]]::new()
        Workers = [System.Collections.Generic.Stack[object]]::new()
        Attention = [System.Threading.AutoResetEvent]::new($false)
        WarmUp = $null; RunningId = $null; CancelId = $null; ClientGone = $false
        LastLine = [System.Diagnostics.Stopwatch]::GetTimestamp()
    })
    Invoke-Main $MyInvocation.MyCommand.ScriptBlock
}
