"""What each simulated cmdlet does, a file an area."""
