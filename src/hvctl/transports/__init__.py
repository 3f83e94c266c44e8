"""What carries lines to an engine and back."""
