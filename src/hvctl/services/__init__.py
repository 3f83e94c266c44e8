"""Which cmdlets, in which order."""
