# Reads scripts, one base64 line each, and answers each with one line of JSON: what PowerShell's parser sees in it, and
# which arguments its commands are given when it runs. Texts travel as base64 of UTF-16, so that none is changed.
$lines = $input
$seen = [System.Collections.Generic.List[string]]::new()

function encode([string] $text) {
    # Encoding.Unicode would replace lone surrogates.
    $bytes = [byte[]]::new($text.Length * 2)
    [Buffer]::BlockCopy($text.ToCharArray(), 0, $bytes, 0, $bytes.Length)
    [Convert]::ToBase64String($bytes)
}

function describe($value) {
    if ($null -eq $value) { return 'null' }
    if ($value -is [string]) { return '"' + (encode $value) + '"' }
    if ($value -is [bool]) { return "$value".ToLower() }
    if ($value -is [array]) { return '[' + (@(foreach ($item in $value) { describe $item }) -join ',') + ']' }
    if ($value -is [hashtable]) {
        $pairs = foreach ($key in $value.Keys) { '[' + (describe $key) + ',' + (describe $value[$key]) + ']' }
        return '{"pairs":[' + (@($pairs) -join ',') + ']}'
    }
    if ($value -is [datetime]) { return '"' + (encode $value.ToString('o')) + '"' }
    if ($value -is [timespan] -or $value -is [System.Management.Automation.PSCustomObject]) {
        return '"' + (encode "$value") + '"'
    }
    if ($value -is [double]) { return $value.ToString('E16', [cultureinfo]::InvariantCulture) }
    [System.Convert]::ToString($value, [cultureinfo]::InvariantCulture)
}

function record([string] $name, [object[]] $arguments) {
    $seen.Add('[' + (@(@($name) + $arguments | ForEach-Object { describe $_ }) -join ',') + ']')
}

function Get-VM { record 'Get-VM' $args; $result }
function New-VM { record 'New-VM' $args; $result }
function Remove-VM { record 'Remove-VM' $args }
function Set-VM { record 'Set-VM' $args }
function Start-VM { record 'Start-VM' $args }

$harmless = 'Get-VM', 'New-VM', 'Remove-VM', 'Set-VM', 'Start-VM', 'ForEach-Object', 'Select-Object', 'Where-Object',
    'Write-Error', ''

while ($lines.MoveNext()) {
    $text = [Text.Encoding]::Unicode.GetString([Convert]::FromBase64String($lines.Current))
    $seen.Clear()
    $tokens = $problems = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($text, [ref] $tokens, [ref] $problems)
    $commands = $tree.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)
    $names = @($commands | ForEach-Object { "$($_.GetCommandName())" })
    $comments = @($tokens | Where-Object { $_.Kind -eq 'Comment' } | ForEach-Object { describe $_.Text })
    $comparisons = $tree.FindAll({
            $args[0] -is [System.Management.Automation.Language.BinaryExpressionAst] -and $args[0].Operator -in 'Ieq', 'Iin'
        }, $true)
    $wanted = @($comparisons | ForEach-Object { describe (& ([scriptblock]::Create($_.Right.Extent.Text))) })
    $failure = 'null'
    $result = [pscustomobject] @{ Id = 'id-1'; Name = 'one' }
    if (-not $problems -and -not ($names | Where-Object { $_ -notin $harmless })) {
        try { $null = & $tree.GetScriptBlock() } catch { $failure = describe "$_" }
    }
    $answer = '{"problems":[' + (@($problems | ForEach-Object { describe $_.Message }) -join ',') + '],"commands":[' +
        (@($names | ForEach-Object { describe $_ }) -join ',') + '],"comments":[' + ($comments -join ',') + '],"wanted":[' + ($wanted -join ',') +
        '],"calls":[' + ($seen -join ',') + '],"failure":' + $failure + '}'
    [Console]::Out.WriteLine($answer)
}
