"""Virtual machines: what is asked of a host for each command, and the answers."""
