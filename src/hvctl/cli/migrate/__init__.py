"""The commands of `migrate`."""
