"""Checkpoints of virtual machines: one module a family of verbs."""
