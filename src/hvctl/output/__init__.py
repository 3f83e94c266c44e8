"""Models to text."""
