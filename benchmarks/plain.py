"""The plain way to work on a host over WinRM: `winrm.Session.run_ps` with a script, a process a command."""

from __future__ import annotations

import json
import sys

import winrm

SCRIPTS = {
    "list": """
# benchmark: list NAME
        $ErrorActionPreference = 'Stop'
        Get-VM | ForEach-Object {
            [pscustomobject]@{
                Id = $_.Id.ToString(); Name = $_.Name; State = $_.State.ToString(); Uptime = $_.Uptime.TotalSeconds
                CPUUsage = $_.CPUUsage; MemoryAssigned = $_.MemoryAssigned; Generation = $_.Generation
            }
        } | ConvertTo-Json
    """,
    "create": """
# benchmark: create NAME
        $ErrorActionPreference = 'Stop'
        if (Get-VM | Where-Object Name -eq 'NAME') { throw 'It exists.' }
        $vm = New-VM -Name 'NAME' -Generation 2 -MemoryStartupBytes 1GB -NewVHDPath 'NAME.vhdx' -NewVHDSizeBytes 8GB
        Get-VM -Id $vm.Id | Select-Object Id, Name, State, Generation | ConvertTo-Json
    """,
}


def main() -> None:
    _, what, name, url, user, password, auth, ca_file = sys.argv
    how = {"transport": "ssl", "ca_trust_path": ca_file} if auth == "basic" else {"transport": "ntlm"}
    session = winrm.Session(url, auth=(user, password), **how)
    result = session.run_ps(SCRIPTS[what].replace("NAME", name))
    if result.status_code:
        raise SystemExit(result.std_err.decode())
    for vm in json.loads(result.std_out):
        print(f"{vm['Name']:20} {vm['State']:10}")


if __name__ == "__main__":
    main()
