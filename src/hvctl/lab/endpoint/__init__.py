"""The lab behind a WS-Management endpoint on loopback: what a WinRM client of any kind can talk to."""
