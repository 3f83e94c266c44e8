"""Administer Hyper-V from any terminal."""

__version__ = "0.1.0"
