"""What is said to PowerShell; no I/O in here."""
