<#
Every virtual machine of every host as CSV, a file a day; for the Windows Task Scheduler.

    examples\inventory.ps1 [-Folder FOLDER] [-Hosts HOSTS]

HOSTS is what --host takes, such as '@prod'; all hosts, if it is not given. A host that does not answer costs no more
than its own lines: the file is kept, vms-DATE.errors.txt beside it names the host, and the exit code is 8. Any other
failure leaves no file. The exit code is hvctl's. It runs in Windows PowerShell 5.1 and in PowerShell 7.
#>
param([string]$Folder = '.', [string]$Hosts)
$ErrorActionPreference = 'Stop'

$Folder = (New-Item -ItemType Directory -Force -Path $Folder).FullName
$day = [DateTime]::UtcNow.ToString('yyyy-MM-dd')
$file = Join-Path $Folder "vms-$day.csv"
$errorFile = Join-Path $Folder "vms-$day.errors.txt"
$part = "$file.part"

$words = 'vm list -o csv --sort host,name --columns name,state,processors,memory_startup,uptime,version,host,id'
if ($Hosts) { $words += " --host ""$Hosts""" } else { $words += ' --all-hosts' }
$start = New-Object System.Diagnostics.ProcessStartInfo 'hvctl', $words
$start.UseShellExecute = $false
$start.RedirectStandardOutput = $true
$start.RedirectStandardError = $true
$start.StandardErrorEncoding = [System.Text.Encoding]::UTF8

try {
    # The redirection of Windows PowerShell would write UTF-16: hvctl's own bytes go into the file.
    $stream = [System.IO.File]::Create($part)
    try {
        $process = [System.Diagnostics.Process]::Start($start)
        $said = $process.StandardError.ReadToEndAsync()
        $process.StandardOutput.BaseStream.CopyTo($stream)
        $process.WaitForExit()
    }
    finally { $stream.Dispose() }
    [Console]::Error.Write($said.Result)
    $code = $process.ExitCode
    if ($code -eq 0 -or $code -eq 8) {
        Remove-Item -LiteralPath $errorFile -Force -ErrorAction SilentlyContinue
        if ($code -eq 8) { [System.IO.File]::WriteAllText($errorFile, $said.Result) }
        Move-Item -LiteralPath $part -Destination $file -Force
    }
}
finally { Remove-Item -LiteralPath $part -Force -ErrorAction SilentlyContinue }
exit $code
