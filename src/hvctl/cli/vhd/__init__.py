"""The commands of the noun `vhd`."""
