"""The commands of Storage Spaces."""
